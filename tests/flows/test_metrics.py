"""/metrics of the running default: its samples, their changes, and nothing secret."""

import re
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.customers.customer import Customer
from tests.stack.running import EndDelays
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

MODEL = "gpt-image-2-pro"
"""A model of which no other test leaves work under way."""


class Scrape:
    """One answer, parsed as Prometheus does."""

    def __init__(self, stack: Stack) -> None:
        answer = httpx.get(f"{stack.base_url}/metrics", trust_env=False, timeout=30)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.text = answer.text
        families = list(text_string_to_metric_families(self.text))
        self.names = [family.name for family in families]
        self.samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels, over all processes."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def processes(self) -> list[str]:
        """Parts with samples, each once for each of its processes."""
        found = {sample.labels.get("process", "") for sample in self.samples} - {""}
        return sorted(name.partition("@")[0] for name in found)

    def models_of(self, name: str) -> set[str]:
        """Models with a sample of that name."""
        return {sample.labels["model"] for sample in self.samples if sample.name == name}

    def cpu_of(self, part: str) -> list[float]:
        """CPU seconds of the part's processes at their last post."""
        return [
            sample.value
            for sample in self.samples
            if sample.name == "process_cpu_seconds_total"
            and sample.labels["process"].startswith(f"{part}@")
        ]


def test_one_scrape_covers_every_process_and_names_each_metric_once(
    stack: Stack, customer: Customer
) -> None:
    customer.generate("a fox", quality="low")  # metrics made at first use exist now
    httpx.get(f"{stack.base_url}/pricing/", trust_env=False, timeout=30)  # including the spools'

    scrape = of_living(stack)

    assert len(scrape.names) == len(set(scrape.names))
    assert scrape("pictor_image_workers") >= 1  # a process killed by another test may be among them
    assert scrape("pictor_web_processes") == 1
    assert {"pictor_stored_bytes", "pictor_tenants_storage_full"} <= set(scrape.names)
    assert "pictor_mail_unsent_seconds" in scrape.names
    assert scrape("pictor_server_up", server="postgres") == 1
    assert scrape("pictor_server_up", server="redis") == 1
    assert scrape("pictor_pool_threads", pool="admission") == 64
    assert scrape("pictor_worker_slots") >= 2500
    assert scrape("pictor_spool_budget_bytes", process=web_of(scrape)) == 8 * 1024**3
    assert {"dall-e-2", "gpt-image-2"} <= scrape.models_of("pictor_queue_depth")
    assert {"process_resident_memory_bytes", "pictor_scrape_seconds"} <= set(scrape.names)


def web_of(scrape: Scrape) -> str:
    """The web process, by its name."""
    names = {str(sample.labels.get("process", "")) for sample in scrape.samples}
    return next(name for name in names if name.startswith("web@"))


def of_living(stack: Stack) -> Scrape:
    """A scrape without processes killed earlier, whose figures stay for 15 s."""
    until(lambda: Scrape(stack).processes() == ["images", "short", "web"], 60)
    return Scrape(stack)


def after_a_post(stack: Stack) -> Scrape:
    """A scrape with everything that the image worker had counted by now."""
    seen = of_living(stack).cpu_of("images")
    until(lambda: Scrape(stack).cpu_of("images") != seen, 30)
    return Scrape(stack)


def test_the_figures_move_by_what_was_done(stack: Stack, customer: Customer) -> None:
    before = after_a_post(stack)

    made = [customer.generate("a fox", model=MODEL) for _ in range(2)]
    failed = customer.generate("[sandbox: fail=500]", model=MODEL)
    refused = customer.generate("a fox", model=MODEL, size="1x1")

    def moved(name: str, **labels: str) -> float:
        return Scrape(stack)(name, **labels) - before(name, **labels)

    assert [answer.status_code for answer in (*made, failed, refused)] == [200, 200, 502, 400]
    asked = {"area": "api", "model": MODEL}
    assert moved("pictor_requests_total", status="200", **asked) == 2
    assert moved("pictor_requests_total", status="502", **asked) == 1
    assert moved("pictor_requests_total", status="400", **asked) == 1
    assert moved("pictor_hold_seconds_count") >= 3
    assert moved("pictor_generations_total", model=MODEL, status="succeeded") == 2
    assert moved("pictor_generations_total", model=MODEL, status="failed") == 1
    assert moved("pictor_images_total", model=MODEL) == 2
    assert moved("pictor_captured_micros_total", model=MODEL) == sum(customer.captures()) > 0
    # once it was posted
    until(lambda: moved("pictor_generation_seconds_count", model=MODEL) == 2, 30)
    calls = {"channel": "sandbox", "model": MODEL}
    assert moved("pictor_attempts_total", **calls, **{"class": "delivered"}) == 2
    assert moved("pictor_attempts_total", **calls, **{"class": "unknown"}) == 1
    assert moved("pictor_attempt_seconds_count", channel="sandbox") >= 3
    lost = {"class": "unknown"}
    assert moved("pictor_uncharged_attempts_total", **lost) == 1
    assert moved("pictor_uncharged_cost_micros_total", **lost) == 210_720  # its quote
    assert moved("pictor_settle_seconds_count") >= 3


def test_a_generation_under_way_is_counted_as_held_until_its_end(
    stack: Stack, customer: Customer, end_delays: EndDelays
) -> None:
    before = Scrape(stack)
    prompt = "[sandbox: delay=60] a fox"

    customer.generate(prompt, model=MODEL, headers={"Prefer": "respond-async"})
    during, (available, held) = Scrape(stack), customer.balance()
    end_delays(lambda: customer.balance()[1] == 0)
    after = Scrape(stack)

    def under_way(scrape: Scrape) -> float:
        names = ("pictor_queue_depth", "pictor_generations_running")
        return sum(scrape(name, model=MODEL) for name in names)

    assert [under_way(scrape) for scrape in (before, during, after)] == [0, 1, 0]
    assert during("pictor_holds") >= 1
    assert during("pictor_held_micros") >= held > 0
    assert during("pictor_available_micros") >= available > 0


@pytest.mark.parametrize("fields", [{"user": "somebody"}, {"model": "no-such-model"}])
def test_no_word_of_a_caller_is_a_figure(
    stack: Stack, customer: Customer, fields: dict[str, Any]
) -> None:
    customer.generate("a secret garden", **fields)
    httpx.get(f"{stack.base_url}/no/such/page?q=hunter4", trust_env=False, timeout=30)

    text = Scrape(stack).text

    words = ("secret", "somebody", "no-such", "hunter4", customer.api_key, customer.name, "sk-")
    assert [word for word in words if word in text] == []
    assert not re.search(r"\b(gen|ten|key|req)_[0-9a-f]{8}", text)


def test_metrics_are_read_not_written(stack: Stack) -> None:
    answer = httpx.post(f"{stack.base_url}/metrics", trust_env=False, timeout=30)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
