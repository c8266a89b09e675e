"""Price books and their prices: dated, versioned, read-only once published (by trigger).

A scheduled book is withdrawn by a row of its own. A shared list has books too, and tenants that
are assigned to it, by rows that are only added.
"""

from datetime import datetime
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from typing_extensions import override

from accounts.models import Subject, Tenant
from pictor.kit.words import ids


class PriceList(models.Model):
    """A list that tenants share: its books lie over everyone's, and under a tenant's own.

    Its id is the owner of its books. Customers who have the list may read its name.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="price_lists_have_own_names")]

    @override
    def __str__(self) -> str:
        return self.name


class PriceListAssignment(models.Model):
    """A tenant's shared list from `since` on; none if `price_list` is null. Append-only.

    A tenant's last assignment applies.
    """

    append_only = True

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False, related_name="+")
    price_list = models.ForeignKey(
        PriceList, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    since: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        db_default=Now(), editable=False
    )

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="price_list_of_a_tenant")]

    @override
    def __str__(self) -> str:
        return f"{self.tenant_id}: {self.price_list_id or 'no list'}"


class PriceBook(models.Model):
    """A dated set of prices: everyone's, over it a shared list's, over both one tenant's.

    The owner's book in force is its published, unwithdrawn book with the latest `effective_from`
    that is not in the future. `tenant_id` is the owner; a list's book has the list's id. The
    release before lists reads only everyone's books and a tenant's own, so it never charges by a
    list's book and yet settles requests priced by it. Hence there is no foreign key in the
    database.
    """

    name = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, default="USD", editable=False)
    markup = models.DecimalField(
        max_digits=8,
        decimal_places=4,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Each price is multiplied by this, then rounded half up to a micro.",
    )
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="price_books",
        help_text="The owner: a tenant, or a shared list by its id. Empty: everyone's.",
    )
    effective_from = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    state: str
    """Set on books read by `billing.selectors.with_states`."""
    list_name: str | None
    """The shared list that owns it, None for another owner; set by the same."""
    drafted_at: datetime | None
    """The time of its draft; set on books read by `selectors/office/repricing.py`."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="one_book_per_version"),
            models.CheckConstraint(condition=Q(currency="USD"), name="prices_are_in_usd"),
            models.CheckConstraint(condition=Q(markup__gte=0), name="markup_is_not_negative"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def known_as(self) -> str:
        """The operators' name for it: `list:2`."""
        return f"{self.name}:{self.version}"

    @property
    def audited(self) -> Subject:
        """The subject of its audit events; its tenant reads them once it is published."""
        is_theirs = self.published_at is not None and self.price_list is None
        return Subject("price_book", str(self.id), self.tenant_id if is_theirs else None)

    @property
    def price_list(self) -> PriceList | None:
        """The shared list that owns it, or None. One query."""
        if self.tenant_id is None:
            return None
        return PriceList.objects.filter(id=self.tenant_id).first()

    @property
    def owner(self) -> "PriceList | Tenant | None":
        """The list or the tenant with these prices; None for everyone's."""
        return None if self.tenant_id is None else self.price_list or self.tenant


class Price(models.Model):
    """The price of one image of a model in a size and quality.

    A row of size `auto` holds its amount for one image, and covers sizes up to `width` x `height`;
    a `formula` row then charges the delivered image by the token formula, a `fixed` one by the
    table. A row of size `any` prices each size without a row of its own; of the kind `pixels`, by
    the terms that `PixelTerms.as_json` wrote.
    """

    class Kind(models.TextChoices):
        FIXED = "fixed"
        FORMULA = "formula"
        EACH = "each"
        PIXELS = "pixels"

    book = models.ForeignKey(PriceBook, on_delete=models.CASCADE, related_name="prices")
    model = models.CharField(max_length=100)
    size = models.CharField(max_length=11)
    quality = models.CharField(max_length=16)
    micros = models.BigIntegerField(validators=[MinValueValidator(0)])
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.FIXED)
    width = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    height = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    terms = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["book", "model", "size", "quality"], name="one_price_per_row"
            ),
            models.CheckConstraint(condition=Q(micros__gte=0), name="price_is_not_negative"),
            models.CheckConstraint(
                condition=Q(width__gt=0, height__gt=0), name="priced_size_has_pixels"
            ),
        ]

    @override
    def __str__(self) -> str:
        return " ".join(self.key)

    @property
    def key(self) -> tuple[str, str, str]:
        """The model, size and quality that it prices."""
        return (self.model, self.size, self.quality)


class PriceBookWithdrawal(models.Model):
    """The withdrawal of a scheduled book, which will never be in force. Append-only.

    A trigger dates it by the database's clock, and refuses drafts and books that have begun by
    then.
    """

    append_only = True

    book = models.OneToOneField(
        PriceBook, on_delete=models.PROTECT, primary_key=True, related_name="withdrawal"
    )
    withdrawn_at = models.DateTimeField(db_default=Now(), editable=False)

    @override
    def __str__(self) -> str:
        return f"{self.book} withdrawn"
