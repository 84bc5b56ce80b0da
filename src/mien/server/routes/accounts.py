"""Accounts, for administrators of their tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from mien.server.access.guard import Administrator
from mien.server.caller import Caller
from mien.server.errors import NotAllowed
from mien.server.schema.accounts import AccountChange, AccountChanged, AccountMade, AccountNew, AccountOut
from mien.server.schema.page import Cursor, Limit, Page, cursor_of, place_of
from mien.server.schema.problems import problems
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf
from mien.server.state.idempotency import RequestKey, fingerprint, idempotent_change

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])
AccountId = Annotated[str, Path(pattern="^[a-z2-7]{26}$", examples=["mfrggzdfmztwq2lknnwg23tpoa"])]


@router.get("", summary="The tenant's accounts", responses=problems(401, 403))
def list_accounts(
    service: ServiceOf, caller: Administrator, cursor: Cursor = "", limit: Limit = 50
) -> Page[AccountOut]:
    """By pages."""
    found = service.accounts.page(caller.tenant, place_of(cursor), limit + 1)
    more = cursor_of(found[limit - 1].id) if len(found) > limit else None
    return Page(items=[AccountOut.of(one) for one in found[:limit]], next=more)


@router.post(
    "", status_code=201, summary="Make an account", response_model=AccountMade, responses=problems(401, 403, 409)
)
async def add_account(
    body: AccountNew, request: Request, service: ServiceOf, caller: Administrator, key: RequestKey = None
) -> Response:
    """It gets a one-time link, by which its owner sets a password."""
    same = fingerprint(request, body.model_dump_json().encode())

    def make() -> Response:
        return answer(_make(service, caller, body).model_dump(mode="json"), 201)

    return await idempotent_change(service, caller, key, same, make)


@router.patch("/{account_id}", summary="Change an account", responses=problems(401, 403, 404, 409))
def change_account(
    account_id: AccountId, body: AccountChange, service: ServiceOf, caller: Administrator
) -> AccountChanged:
    """Ends its sessions. The tenant's last administrator stays one."""
    fields = body.model_dump(exclude_none=True, exclude={"reset"})
    with service.state.write():
        account = service.accounts.change(account_id, caller.tenant, **fields)
        token = service.accounts.invite(account_id) if body.reset else None
        detail = {name: str(value) for name, value in fields.items()} | {"reset": body.reset}
        service.audit.write(caller, "change_account", account_id, detail=detail)
        account = service.accounts.get(account_id)
    return AccountChanged(account=AccountOut.of(account), token=token)


@router.delete("/{account_id}", status_code=204, summary="Remove an account", responses=problems(401, 403, 404, 409))
def remove_account(account_id: AccountId, service: ServiceOf, caller: Administrator) -> None:
    """With its sessions and keys. The tenant's last administrator cannot be removed."""
    with service.state.write():
        service.accounts.remove(account_id, caller.tenant)
        service.audit.write(caller, "remove_account", account_id)


def _make(service: Service, caller: Caller, body: AccountNew) -> AccountMade:
    tenant = caller.tenant if body.tenant is None else body.tenant
    if tenant != caller.tenant and caller.tenant != "":
        raise NotAllowed("The tenant is another than yours.", "Leave `tenant` out.")
    with service.state.write():
        account = service.accounts.make(body.name, body.role, tenant)
        token = service.accounts.invite(account.id)
        service.audit.write(caller, "add_account", account.id, detail={"role": body.role.value, "tenant": tenant})
    return AccountMade(account=AccountOut.of(account), token=token)
