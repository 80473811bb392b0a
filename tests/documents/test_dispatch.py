from concurrent.futures import ThreadPoolExecutor

import pytest
from document_samples import KNOWN_AT
from ipgov.core import database as db
from ipgov.core.errors import GovernanceError, RefusedError
from ipgov.core.objects import get_content, store
from ipgov.core.tables import dispatch as dispatch_table
from ipgov.core.tables import dispatch_attempt
from ipgov.documents import dispatch, register
from sqlalchemy import select
from test_register import file

pytestmark = pytest.mark.usefixtures("database")
KEY = "outbox/functional_platform/2025/FP001/2025-result-FP001.docx"


def queued(key: str = "a", filename: str = "2025-result-FP001", channel: str = "outbox") -> tuple[int, int]:
    with db.transaction() as connection:
        document_id = file(connection, key, filename=filename)
        return document_id, dispatch.queue(connection, document_id, "FP001", channel, KNOWN_AT)


def attempts() -> list[tuple[int, bool, str]]:
    with db.reading() as connection:
        table = dispatch_attempt
        rows = connection.execute(select(table.c.dispatch_id, table.c.succeeded, table.c.detail))
        return [(r[0], r[1], r[2]) for r in rows]


def test_a_row_is_queued_once_under_a_fixed_message_id() -> None:
    document_id, row = queued()
    with db.transaction() as connection:
        assert dispatch.queue(connection, document_id, "FP001", "outbox", KNOWN_AT) == row
        other = dispatch.queue(connection, document_id, "FP002", "outbox", KNOWN_AT)
        ids = dict(connection.execute(select(dispatch_table.c.id, dispatch_table.c.message_id)).all())
    assert other != row
    assert ids[row] != ids[other]
    assert all(i.startswith("<") and i.endswith("@ipgov.invalid>") for i in ids.values())


def test_a_row_is_sent_once() -> None:
    document_id, row = queued()
    assert dispatch.send_pending(KNOWN_AT) == 1
    with db.reading() as connection:
        assert store().get(KEY) == get_content(register.file_sha256(connection, document_id, "docx"))
    assert [o.key for o in store().list("outbox/")] == [KEY, KEY.replace(".docx", ".pdf")]
    assert attempts() == [(row, True, "\n".join([KEY, KEY.replace(".docx", ".pdf")]))]
    assert dispatch.send_pending(KNOWN_AT) == 0
    assert len(attempts()) == 1


def test_several_senders_at_once_send_each_row_once() -> None:
    for n in range(5):
        queued(f"k{n}", f"文书{n}")
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(dispatch.send_pending, [KNOWN_AT] * 4)) == 5
    assert len(attempts()) == 5


def test_one_killed_between_file_and_row_is_completed_by_the_next() -> None:
    document_id, _ = queued()
    with db.reading() as connection:
        store().put(KEY, get_content(register.file_sha256(connection, document_id, "docx")), once=True)
    assert dispatch.send_pending(KNOWN_AT) == 1


def test_a_row_that_fails_is_recorded_tried_again_and_stops_no_other() -> None:
    _, bad = queued()
    _, good = queued("b", "另一文书")
    store().put(KEY, b"another's")
    with pytest.raises(GovernanceError, match=r"1 件文书未能发出：.*已存在且内容不同"):
        dispatch.send_pending(KNOWN_AT)
    assert [(i, ok) for i, ok, _ in attempts()] == [(bad, False), (good, True)]
    assert dispatch.send_pending(KNOWN_AT) == 0, "other bytes are there: no repetition helps"
    with db.transaction() as connection:
        dispatch.settle(connection, bad, "again", "operator1", "已移走另一文件", KNOWN_AT)
    with pytest.raises(GovernanceError):
        dispatch.send_pending(KNOWN_AT)
    assert [(i, ok) for i, ok, _ in attempts()] == [(bad, False), (good, True), (bad, False), (bad, False)]
    assert store().get(KEY) == b"another's"


@pytest.mark.parametrize("recipient", ["", "..", "../FP001", "a/b", "a\\b", ".x"])
def test_a_recipient_is_never_a_path(recipient: str) -> None:
    with db.transaction() as connection:
        document_id = file(connection)
        with pytest.raises(RefusedError, match=r"收件单位“.*无效"):
            dispatch.queue(connection, document_id, recipient, "outbox", KNOWN_AT)
