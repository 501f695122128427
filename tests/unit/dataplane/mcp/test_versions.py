from dataplane.mcp.versions import STATELESS, SUPPORTED, is_session_version


def test_generations_do_not_overlap() -> None:
    assert [version for version in SUPPORTED if is_session_version(version)] == [
        "2024-11-05",
        "2025-03-26",
        "2025-06-18",
        "2025-11-25",
    ]
    assert not any(is_session_version(version) for version in STATELESS)
