import pytest

from dataplane.runtime.fault import Fault, fault_of_status


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, Fault.NONE),
        (302, Fault.NONE),
        (400, Fault.INVALID),
        (401, Fault.CREDENTIAL),
        (402, Fault.CREDENTIAL),
        (403, Fault.CREDENTIAL),
        (404, Fault.UNFIT),
        (408, Fault.SERVER),
        (409, Fault.SERVER),
        (413, Fault.UNFIT),
        (422, Fault.INVALID),
        (429, Fault.LIMITED),
        (500, Fault.SERVER),
        (503, Fault.SERVER),
        (529, Fault.SERVER),
    ],
)
def test_a_status_says_what_failed(status: int, fault: Fault) -> None:
    assert fault_of_status(status) is fault
