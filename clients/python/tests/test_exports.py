"""What the package offers, exactly: a name that comes or goes is a decision, made here too."""

import dataclasses

import zorky_client


def test_the_package_exports_exactly_this():
    assert set(zorky_client.__all__) == {
        "AlreadyExists", "Alternative", "AsyncClient", "Capabilities", "Client", "ConnectionFailed",
        "DeadlineExceeded", "DeletedData", "FailedPrecondition", "Feedback", "FeedbackOptions", "Image", "Images",
        "InvalidRequest", "Line", "ModelIdentity", "NotFound", "Outcome", "Page", "PermissionDenied", "Point", "Quad",
        "QuotaExceeded", "Recognition", "RecognitionOptions", "Report", "ServerFault", "ServerInfo", "Span",
        "Timings", "Tls", "Unauthenticated", "Unavailable", "Warning", "Word", "ZorkyError",
    }  # fmt: skip
    assert all(hasattr(zorky_client, name) for name in zorky_client.__all__)


def test_results_are_frozen_values_with_slots():
    values = [getattr(zorky_client, name) for name in zorky_client.__all__]
    kinds = [value for value in values if dataclasses.is_dataclass(value)]
    assert len(kinds) == 17
    assert all(kind.__dataclass_params__.frozen and "__slots__" in vars(kind) for kind in kinds)


def test_both_clients_offer_the_same():
    def offers(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert offers(zorky_client.Client) == offers(zorky_client.AsyncClient)
