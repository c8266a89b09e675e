"""The URLs of price books under /ops/prices/. Books go by id, since names hold any character."""

from django.urls import path

from console.ops.prices import changing, deciding, drafts, listed, one

urlpatterns = [
    path("", listed.listing, name="prices"),
    path("new/", drafts.new, name="price_new"),
    path("current/", one.current, name="price_current"),
    path("<int:book>/", one.book, name="price_book"),
    path("<int:book>.csv", one.download, name="price_book_csv"),
    path("<int:book>/change/", changing.change, name="price_change"),
    path("<int:book>/retype/", changing.retype, name="price_retype"),
    path("<int:book>/undo/", changing.undo, name="price_undo"),
    path("<int:book>/markup/", drafts.set_markup, name="price_markup"),
    path("<int:book>/discard/", drafts.discard, name="price_discard"),
    path("<int:book>/review/", deciding.review, name="price_review"),
    path("<int:book>/what-if/", deciding.what_if, name="price_whatif"),
    path("<int:book>/publish/", deciding.publish, name="price_publish"),
    path("<int:book>/restore/", deciding.restore, name="price_restore"),
    path("<int:book>/withdraw/", deciding.withdraw, name="price_withdraw"),
]
