"""The one place for changes to the offer: pages and commands call the same functions.

Each change is one transaction with its audit event in it, and bumps the configuration's revision,
so it holds for every request sent after it returned. Raises ValidationError, by column where a
column is at fault, with messages for a person; credentials are never in a message, an audit event
or a description.
"""

from generation.catalogue.services.addresses import checked_base_url, egress_warning
from generation.catalogue.services.approval import (
    UNTESTED,
    digest_of,
    is_agreed,
    is_approved,
    is_sandbox,
    passed_test,
    refusal_of_untested,
    untested_models,
)
from generation.catalogue.services.channel_checks import check_route, narrowable
from generation.catalogue.services.channel_lock import take_turns
from generation.catalogue.services.channels import (
    all_channels,
    channel_named,
    delete_channel,
    is_deletable,
    reset,
    set_channel,
    set_enabled,
)
from generation.catalogue.services.contract_checks import (
    RESPONSE_FORMATS,
    check_contract,
    size_faults,
)
from generation.catalogue.services.contracts import (
    ContractColumns,
    columns_of,
    copy_contract,
    delete_contract,
    set_contract,
    set_offered,
    stops_of_offer,
    why_kept,
)
from generation.catalogue.services.costs import (
    COSTS_CHANGED,
    DOUBTFUL_COST,
    copied,
    costs_in_doubt,
    newest_costs,
    scaled,
    set_costs,
)
from generation.catalogue.services.described import describe
from generation.catalogue.services.model_imports import (
    ModelImport,
    file_of,
    import_model,
    import_of,
    is_written,
    shipped,
    shipped_files,
)
from generation.catalogue.services.options import ALL, ChannelOptions, RouteTerms
from generation.catalogue.services.presets import (
    below,
    kinds_and_presets,
    preset_routes,
    shipped_presets,
)
from generation.catalogue.services.retiring import retirements_of, set_retirements
from generation.catalogue.services.revisions import (
    candidate_of,
    discard,
    fresh_pending,
    is_stale,
    passed_pending,
    pending_of,
    refuse_pending,
    replace_credentials,
    revised,
    stored_credentials,
    swap,
    waiting_models,
)
from generation.catalogue.services.routes import (
    Routes,
    routes_of,
    unsaved_route,
    unserved_models,
    unserved_warning,
)
from generation.catalogue.services.unserved import STOPS, refusal_of
