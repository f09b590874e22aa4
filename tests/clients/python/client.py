"""The client that openapi-python-client generates."""

import os
import uuid
from itertools import count
from typing import cast

from millrace import AuthenticatedClient, Client
from millrace.api.catalogue import get_product, graphql, search_products
from millrace.api.orders import checkout, get_order
from millrace.models import (
    Checkout,
    CheckoutConflict,
    CheckoutItem,
    Declined,
    GraphqlRequest,
    GraphqlRequestVariablesType0,
    GraphqlResponse,
    GraphqlResponseDataType0,
    LimitExceeded,
    OrderAnswer,
    OrderDetails,
    Problem,
    ProblemType,
    ProductFields,
    SearchProductsResponse200,
)
from millrace.types import UNSET

URL = os.environ["API_URL"]
KNOWN = uuid.UUID("01900000-0000-7000-8000-000000000001")
UNKNOWN = uuid.UUID("01900000-0000-7000-8000-ffffffffffff")
QUERY = "query Product($id: ID!, $limit: Int) { product(id: $id) { name } products(limit: $limit) { id } }"
# More than any caller may search in a minute.
TOO_MANY = 400

customer = AuthenticatedClient(base_url=URL, token=os.environ["CUSTOMER_TOKEN"])
# The generator takes a token that may be left out for one that must be there.
visitor = cast(AuthenticatedClient, Client(base_url=URL))


def buy(
    payment_method: str, quantity: int = 1
) -> OrderAnswer | Problem | CheckoutConflict | Declined | LimitExceeded | None:
    body = Checkout(items=[CheckoutItem(product_id=KNOWN, quantity=quantity)], payment_method=payment_method)
    return checkout.sync(client=customer, body=body, idempotency_key=str(uuid.uuid4()))


product = get_product.sync(KNOWN, client=customer)
assert isinstance(product, ProductFields) and product.price.currency == "usd", product

missing = get_product.sync_detailed(UNKNOWN, client=customer)
assert missing.status_code == 404
assert isinstance(missing.parsed, Problem), missing
assert missing.parsed.type_ is ProblemType.URNMILLRACEPROBLEMNOT_FOUND, missing

bought = buy("pm_card_visa")
assert isinstance(bought, OrderAnswer) and bought.charge.status == "succeeded", bought
order = get_order.sync(bought.order_id, client=customer)
assert isinstance(order, OrderDetails) and order.charge.id == bought.charge.id, order

declined = buy("pm_card_chargeDeclined")
assert isinstance(declined, Declined) and declined.charge.status == "failed", declined

invalid = buy("pm_card_visa", quantity=0)
assert isinstance(invalid, Problem) and invalid.errors is not UNSET, invalid
assert invalid.errors and invalid.errors[0].field == "items[0].quantity", invalid

variables = GraphqlRequestVariablesType0.from_dict({"id": str(KNOWN), "limit": 3})
asked = graphql.sync(client=customer, body=GraphqlRequest(query=QUERY, variables=variables))
assert isinstance(asked, GraphqlResponse) and asked.errors is UNSET, asked
assert isinstance(asked.data, GraphqlResponseDataType0) and len(asked.data["products"]) == 3, asked

found = search_products.sync(client=customer, q="wallet")
assert isinstance(found, SearchProductsResponse200) and "<mark>" in found.products[0].highlight, found

for call in count():
    limited = search_products.sync(client=visitor, q="wallet")
    assert call < TOO_MANY
    if isinstance(limited, LimitExceeded):
        assert limited.violated_policies, limited
        break

print("openapi-python-client: every answer is as its type says")
