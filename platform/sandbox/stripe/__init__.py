"""The sandbox's Stripe: the part of the API that Pictor uses, as of 2026-10-28.endive.

It keeps one account in memory, takes any test key, and speaks of no real money. The hosted pages
are `/stripe/pay/ID`. Three variables may be set: `CARDS_PAGES`, the origin where browsers find
those pages, if not this server's; `CARDS_WEBHOOK_URL` and `CARDS_WEBHOOK_SECRET`, where events are
posted.

The test door takes JSON, `POST /_bank/NAME`, and answers the object; a charge is named as
`charge` or `payment_intent`, and amounts are cents:

    pay          session, way: paid, declined, 3ds, authenticated, failed, later
    settle       session, paid: true or false: ends a payment that was to come later
    refund       charge, amount: a refund made in the dashboard
    fail_refund  refund, reason: it comes back
    dispute      charge, amount, reason, kind: inquiry, prevented, or else money is withdrawn
    withdraw     dispute, amount: after an inquiry, or again after it was won
    win          dispute, amount given back
    lose         dispute; an inquiry is closed
    reinstate    dispute, amount: gives a part back
    warn         charge, fraud_type: an early fraud warning
    card         payment_method, behaviour: ok, requires_action or a decline code; advice_code
    trouble      kind: 403, 429, 500, 500_after, lost, lost_after, slow (seconds); next: how many
                 calls; path: only of calls that begin so, as `POST /v1/refunds`
    late         looks: so often is a new charge seen without its balance transaction
    clock        seconds: this provider's clock goes ahead
    webhook      url and secret, or none
    ring         event: it is posted again
"""
