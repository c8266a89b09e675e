import json
from datetime import UTC, datetime

import pytest

from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai import errors
from generation.channels.wires import Reply

NOW = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)
OPENAI_ERROR = {"error": {"message": "no", "type": "server_error", "code": None}}


def error_for(
    status: int, document: object = None, *, raw: bytes | None = None, **headers: str
) -> UpstreamError:
    body = json.dumps(document).encode() if raw is None else raw
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return errors.error_of_answer(
        status, headers=names, body=body, api_key="sk-live-secret-key", now=NOW
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "rejected"),
        (413, "rejected"),
        (422, "rejected"),
        (401, "refused"),
        (402, "refused"),
        (403, "refused"),
        (404, "refused"),
        (405, "refused"),
        (429, "refused"),
        (503, "refused"),
        (408, "unknown"),
        (499, "unknown"),
        (500, "unknown"),
        (502, "unknown"),
        (504, "unknown"),
        (520, "unknown"),
        (524, "unknown"),
        (529, "unknown"),
        (521, "not_reached"),
        (522, "not_reached"),
        (523, "not_reached"),
        (525, "not_reached"),
        (301, "refused"),
        (302, "unknown"),
        (303, "unknown"),
        (307, "refused"),
    ],
)
def test_class_by_status_with_a_json_error(status, expected):
    assert error_for(status, OPENAI_ERROR).attempt_class == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(503, "unknown"), (502, "unknown"), (401, "refused"), (429, "refused"), (400, "rejected")],
)
@pytest.mark.parametrize("raw", [b"<html>busy</html>", b"", b"[1]", b"\xff\xfe"])
def test_class_by_status_with_a_page_instead_of_json(status, expected, raw):
    assert error_for(status, raw=raw).attempt_class == expected


@pytest.mark.parametrize(
    "error",
    [
        {"code": "moderation_blocked", "type": "image_generation_user_error", "message": "no"},
        {"code": "content_policy_violation", "message": "no"},
        {"code": "contentFilter", "message": "no"},
        {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}},
        {"type": "content_filtered", "message": "no"},
        {"code": "invalid_request", "message": "Rejected by the safety system. Be nice."},
    ],
)
@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_policy_errors_are_moderation_whatever_the_status(error, status):
    raised = error_for(status, {"error": error})

    assert raised.attempt_class is AttemptClass.MODERATED
    assert not raised.may_have_billed
    assert not raised.public_message  # the class has its own message for the caller


def test_a_wrong_value_of_the_moderation_field_is_no_moderation():
    raised = error_for(
        400,
        {"error": {"code": "invalid_value", "param": "moderation", "message": "'x' is not one"}},
    )

    assert raised.attempt_class is AttemptClass.REJECTED
    assert raised.public_param == "moderation"
    assert raised.public_message == "The image model does not accept this value of 'moderation'."


@pytest.mark.parametrize(
    "code",
    ["billing_hard_limit_reached", "insufficient_quota", "invalid_api_key", "model_not_found"],
)
def test_a_400_about_the_channels_own_account_is_no_fault_of_the_caller(code):
    assert error_for(400, {"error": {"code": code}}).attempt_class is AttemptClass.REFUSED


@pytest.mark.parametrize(
    "document",
    [{"error": "no such thing"}, {"detail": "no"}, {"message": "no"}, {"error": {"message": 5}}],
)
def test_other_shapes_of_errors_are_read_too(document):
    assert error_for(503, document).attempt_class is AttemptClass.REFUSED


@pytest.mark.parametrize(
    ("document", "expected", "may_have_billed"),
    [
        ({"data": []}, "bad_result", True),
        ({}, "bad_result", True),
        ({"data": None, "message": "success"}, "bad_result", True),
        ({"data": [{"revised_prompt": "a fox"}]}, "bad_result", True),
        ({"data": [{"text": "I can't draw that."}]}, "bad_result", True),
        ({"choices": [{"message": {"content": "Try again later."}}]}, "bad_result", True),
        ({"choices": [{"message": {"content": "It was judged unsafe."}}]}, "moderated", True),
        ({"choices": [{"message": {"content": "It says: invalid api key"}}]}, "bad_result", True),
        ({"choices": [{"finish_reason": "content_filter"}]}, "moderated", True),
        ({"choices": [{"message": {"refusal": "I can't."}}]}, "moderated", True),
        ({"output": [{"content": [{"type": "refusal", "refusal": "No"}]}]}, "moderated", True),
        ({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, "moderated", True),
        ({"data": [{"error": {"code": "OutputImageSensitiveContentDetected"}}]}, "moderated", True),
        ({"data": [{"url": "https://x.example/a"}], "code": 401}, "bad_result", True),
        ({"error": {"code": "moderation_blocked"}}, "moderated", True),
        ({"error": {"code": 429, "message": "slow down"}}, "refused", False),
        ({"error": {"code": "401"}}, "refused", False),
        ({"error": {"type": "rate_limit_error"}}, "refused", False),
        ({"error": {"type": "invalid_request_error"}}, "rejected", False),
        ({"error": {"type": "server_error"}}, "unknown", True),
        ({"error": {"code": 500}}, "unknown", True),
        ({"error": "something broke"}, "unknown", True),
    ],
)
def test_class_of_a_200_without_an_image(document, expected, may_have_billed):
    raised = errors.error_of_reply(Reply(200, {}, document), api_key="k")

    assert raised.attempt_class == expected
    assert raised.may_have_billed is may_have_billed


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": "Arrearage", "message": "Access denied"}, "refused"),
        (400, {"message": "make sure your account is in good standing."}, "refused"),
        (400, {"code": "AccountOverdueError", "message": "no"}, "refused"),
        (400, {"code": "400", "message": "Billing hard limit has been reached"}, "refused"),
        (400, {"code": "400", "message": "用户额度不足"}, "refused"),
        (
            403,
            {
                "code": "Forbidden",
                "message": "Your resource has been temporarily blocked because we detected"
                " behavior that may violate our content policy.",
            },
            "refused",
        ),
        (400, {"code": "DataInspectionFailed", "message": "no"}, "moderated"),
        (400, {"code": "OutputImageSensitiveContentDetected", "message": "no"}, "moderated"),
        (400, {"code": "sensitive_words_detected", "message": "no"}, "moderated"),
        (400, {"code": "PROHIBITED_CONTENT", "message": "no"}, "moderated"),
        (400, {"message": "litellm.ContentPolicyViolationError: AzureException"}, "moderated"),
        (400, {"message": "the prompt is too long"}, "rejected"),
        (400, {"message": "a fox whose account is in arrears"}, "rejected"),
    ],
)
def test_other_vendors_errors_are_classed_by_their_words(status, error, expected):
    assert error_for(status, {"error": error}).attempt_class == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"error": {"code": "Arrearage", "message": "no"}}, "refused"),
        ({"error": {"code": "DataInspectionFailed", "message": "no"}}, "moderated"),
        ({"error": {"code": "InvalidParameter", "message": "no"}}, "rejected"),
        ({"error": {"code": "odd", "message": "no"}}, "unknown"),
    ],
)
def test_errors_in_an_answer_of_200_are_classed_alike(document, expected):
    assert errors.class_of_document(document) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"code": 401, "message": "model call unauthorized: invalid api key"}, "refused"),
        ({"success": False, "code": "insufficient_balance", "message": "no"}, "refused"),
        ({"success": False, "message": "Insufficient account balance"}, "refused"),
        ({"status": "error", "message": "the model is overloaded"}, "refused"),
        ({"status": 503, "message": "no"}, "refused"),
        ({"error": "insufficient_quota"}, "refused"),
        ({"message": "Unauthorized"}, "refused"),
        ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "refused"),
        ({"code": 0, "data": {"error": {"code": "rate_limit_exceeded"}}}, "refused"),
        ({"code": 200, "data": {"code": 403, "message": "no"}}, "refused"),
        ({"code": 200, "data": {"status": "Content Moderated"}}, "moderated"),
        ({"success": False, "message": "Rejected by our safety system"}, "moderated"),
        ({"success": False, "message": '400 {"code": "moderation_blocked"}'}, "moderated"),
        ({"success": False, "message": "something broke"}, "bad_result"),
        ({"code": "success", "message": "", "data": {"status": "PENDING"}}, "bad_result"),
    ],
)
def test_a_200_that_says_what_is_wrong_is_read_wherever_it_says_so(document, expected):
    assert errors.class_of_document(document) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"success": False, "errors": [{"code": 9, "message": "Authentication error"}]}, "refused"),
        ({"result": {"error": "insufficient_quota"}}, "refused"),
        ({"success": False, "data": "insufficient  balance"}, "refused"),
        ({"ret": -1, "errMsg": "Insufficient balance"}, "refused"),
        ({"error_code": 401}, "refused"),
        ({"Response": {"Error": {"Code": "AuthFailure", "Message": "no"}}}, "refused"),
        ({"error": {"details": [{"reason": "API_KEY_INVALID"}]}}, "refused"),
        ({"error": {"metadata": {"raw": '{"code":"insufficient_quota"}'}}}, "refused"),
        ({"artifacts": [{"finishReason": "CONTENT_FILTERED"}]}, "moderated"),
        ({"message": ["insufficient balance"]}, "refused"),
    ],
)
def test_other_vendors_places_of_a_complaint_are_read_too(document, expected):
    assert errors.class_of_document(document) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("该令牌额度已用尽", "refused"),
        ("餘額不足", "refused"),
        ("无效的令牌", "refused"),
        ("账号违规已被封禁", "refused"),
        ("请求过于频繁", "refused"),
        ("系统繁忙", "refused"),
        ("Payment required", "refused"),
        ("No credits left", "refused"),
        ("Your account has been suspended", "refused"),
        ("API key not valid. Please pass a valid API key.", "refused"),
        ("Invalid token", "refused"),
        ("Forbidden", "refused"),
        ("Server is busy", "refused"),
        ("Service temporarily unavailable", "refused"),
        ("Rate limit reached for gpt-image-2", "refused"),
        ("内容审核未通过", "moderated"),
        ("提示词包含敏感词", "moderated"),
        ("它违反了内容政策", "moderated"),
        ("图片涉嫌违规", "moderated"),
        ("It goes against the content policies", "moderated"),
        ("It does not comply with our policies", "moderated"),
        ("Input was flagged", "moderated"),
        ("The prompt contains prohibited content", "moderated"),
        ("NSFW content detected", "moderated"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 502])
def test_the_words_of_an_account_and_of_a_policy_are_known(status, words, expected):
    document = {"success": False, "message": words}

    is_ok = status == 200
    found = errors.class_of_document(document) if is_ok else error_for(status, document)

    assert getattr(found, "attempt_class", found) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"Insufficient balance", "refused"),
        (b'upstream error after 3 tries: 400 {"errorKey":"insufficient_balance"}', "refused"),
        (b"Your request was rejected by the safety system", "moderated"),
        (b'[{"error":{"code":400,"message":"API key not valid"}}]', "refused"),
        (b"<html><title>400</title>Insufficient balance</html>", "rejected"),
    ],
)
def test_a_refusal_in_plain_words_or_an_array_is_read_too(body, expected):
    raised = errors.error_of_answer(400, headers={}, body=body, api_key="k", now=NOW)

    assert raised.attempt_class == expected


@pytest.mark.parametrize("status", [200, 400, 502])
def test_a_prompt_that_is_quoted_accuses_no_account(status):
    prompt = "A sign: invalid_API key, code insufficient_quota"
    message = f"cannot draw '{prompt}' {{'code': 'insufficient_quota'}}"
    document: dict[str, object] = {"error": {"message": message}}

    def class_if(asked: str) -> AttemptClass:
        if status == 200:
            return errors.class_of_document(document, asked=asked)
        body = json.dumps(document).encode()
        return errors.error_of_answer(
            status, headers={}, body=body, api_key="k", now=NOW, asked=asked
        ).attempt_class

    assert class_if("a fox") == "refused"
    assert class_if(prompt) == ("rejected" if status == 400 else "unknown")


def test_a_prompt_that_is_quoted_hides_no_account_that_is_dead():
    account = {"code": "insufficient_quota", "message": "no credit for 'an API key'"}
    document: dict[str, object] = {"error": account}

    assert errors.class_of_document(document, asked="an API key, insufficient_quota") == "refused"


NESTED = {
    "refused": '400 {"errorKey":"insufficient_balance","errorMessage":"Insufficient credit"}',
    "moderated": "Error code: 400 - {'error': {'code': 'content_filter', 'message': 'no'}}",
    "unknown": '400 {"error":{"code":"odd","message":"a fox"}}',
}


@pytest.mark.parametrize("expected", NESTED)
@pytest.mark.parametrize("status", [500, 502, 504, 524])
def test_a_relays_text_that_quotes_an_answer_is_read_whatever_the_status(status, expected):
    message = f"upstream gateway error after 3 tries: {NESTED[expected]}"

    raised = error_for(status, {"error": {"message": message, "type": "upstream_error"}})

    assert raised.attempt_class == expected
    assert raised.may_have_billed is (expected == "unknown")


@pytest.mark.parametrize("status", [500, 502, 504, 529])
@pytest.mark.parametrize("code", ["insufficient_quota", "invalid_api_key", "overloaded_error"])
def test_the_channels_own_account_or_load_is_refused_whatever_the_status(status, code):
    raised = error_for(status, {"error": {"code": code}})

    assert (raised.attempt_class, raised.may_have_billed) == ("refused", False)
