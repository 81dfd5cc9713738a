"""The server keeps to its OpenAPI description, whatever is sent."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

import photochrom
from photochrom.web import attempts

pytestmark = pytest.mark.slow

TOKEN = "a token of the tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
EXAMPLES = 15
# As schemathesis has them, with 410 for a reference that is gone, which is found out before the body is read.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "410", "415", "422", "428", "429", "5xx"]
LONGEST_QUERY = 64_000  # bytes, where each is written as %XX


@pytest.fixture(scope="module", autouse=True)
def _guessing_is_free():
    """A check sends wrong tokens, for which everything after it would have to wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "FREE", 10**6)
        yield


@pytest.fixture(scope="module")
def operations(live):
    """Every operation of the description, by its label."""
    refusals = {"negative_data_rejection": {"expected-statuses": REFUSALS}}
    config = SchemathesisConfig.from_dict({"checks": refusals})
    # The description is made when it is first asked for, which takes a busy machine more than the 10 s of the default.
    schema = schemathesis.openapi.from_url(f"{live}/openapi.json", headers=HEADERS, config=config, timeout=60)
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


@pytest.fixture(scope="module")
def identity(live, png):
    """The id of a job that is done."""
    return photochrom.Client(live, token=TOKEN).submit(png(1)).wait().id


# What has parameters that can be wrong; a string in a path can't.
FALLIBLE = [
    "POST /api/v1/colorize",
    "POST /api/v1/archive",
    "GET /api/v1/jobs/{identity}/result",
    "GET /api/v1/jobs/{identity}/original",
    "GET /api/v1/jobs/{identity}/colors",
    "GET /api/v1/jobs/{identity}/reach",
    "GET /api/v1/jobs/{identity}/confidence",
    "GET /api/v1/jobs/{identity}/unsure",
    "GET /api/v1/jobs/{identity}/export",
    "GET /api/v1/jobs/{identity}/variants",
]
LABELS = [
    *FALLIBLE,
    "POST /api/v1/jobs",
    "GET /api/v1/jobs/{identity}",
    "GET /api/v1/jobs/{identity}/events",
    "GET /api/v1/jobs/{identity}/palette",
    "DELETE /api/v1/jobs/{identity}",
    "GET /healthz",
    "GET /metrics",
]


def test_these_are_all_operations(operations):
    assert sorted(operations) == sorted(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_what_fits_the_description_is_answered_as_described(operations, label, identity):
    _answers(operations[label], schemathesis.GenerationMode.POSITIVE, None if "DELETE" in label else identity)


@pytest.mark.parametrize("label", FALLIBLE)
def test_what_does_not_fit_is_refused_as_described(operations, label, identity):
    _answers(operations[label], schemathesis.GenerationMode.NEGATIVE, identity)


def _answers(operation, mode, identity):
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def answers(case):
        # More is no HTTP for the server, which then ends the connection.
        assume(3 * len(str(case.query).encode(errors="surrogatepass")) < LONGEST_QUERY)
        if identity and "identity" in (case.path_parameters or {}):
            case.path_parameters["identity"] = identity
        if identity and mode == schemathesis.GenerationMode.POSITIVE and "archive" in case.path:
            for wish in case.body["photographs"]:
                wish["id"] = identity
        # That any bytes are a photograph, or that this model has variants, is not for the description to say.
        case.call_and_validate(headers=HEADERS, excluded_checks=[positive_data_acceptance])

    answers()
