"""What a data plane tells about what it is made of."""

import pytest

from dataplane.observe.build import tell
from dataplane.observe.metrics import Metrics


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("/site/dataplane/server/front.py", "false"),
        ("/site/dataplane/server/front.cpython-311-x86_64-linux-gnu.so", "true"),
    ],
)
def test_says_whether_its_hot_path_is_machine_code(origin: str, told: str) -> None:
    metrics = Metrics()
    tell(metrics, origin)
    (family,) = [one for one in metrics.families() if one.name == "outrider_build_info"]
    ((labels, value),) = family.samples.items()
    assert dict(zip(family.labels, labels, strict=True))["compiled"] == told
    assert value == 1.0
