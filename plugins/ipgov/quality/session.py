"""A read-only database session that sees ONE snapshot through the quality views."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, make_url

from ipgov.core.database import engine
from ipgov.policy.rules import Form, RuleVersion
from ipgov.registry.codes import PROVINCES
from ipgov.registry.titles import holds_after

Connect = Callable[[], Any]


def connector(snapshot_id: int, rules: RuleVersion, known_at: dt.datetime) -> Connect:
    """Return what opens a connection whose quality views show this snapshot, these rules, this knowledge.

    Great Expectations opens its own connections and knows nothing of sessions; and a database address in its
    hands is rewritten where a password holds ``$``. So it is handed this and no address at all.
    """
    arguments, options = engine().dialect.create_connect_args(engine().url)
    chosen = {
        "ipgov.snapshot": str(snapshot_id),
        "ipgov.known_at": known_at.isoformat(),
        "ipgov.bodies": rules.title_programme,
        "ipgov.holds_after": json.dumps(holds_after(rules.title_programme)),
        "ipgov.form": json.dumps(_fields(rules.form), ensure_ascii=False),
        "ipgov.attachments": json.dumps(_attachments(rules.form), ensure_ascii=False),
        "ipgov.kinds": json.dumps({k.code: k.name for k in rules.subject.kinds}, ensure_ascii=False),
        "ipgov.provinces": json.dumps({p.code: p.name for p in PROVINCES.values()}, ensure_ascii=False),
        "default_transaction_read_only": "on",
        # A snapshot is checked right after it is written, before the server has counted its rows; the planner
        # then takes it for empty and chooses nested loops: 3,000 bodies take minutes instead of seconds.
        "enable_nestloop": "off",
        "timezone": "UTC",
    }

    def connect() -> Any:
        import psycopg

        connection = psycopg.connect(*arguments, **options, application_name="ipgov quality")
        for name, value in chosen.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()  # a rollback would take the settings back
        return connection

    return connect


def open_engine(connect: Connect) -> Engine:
    """Return a SQLAlchemy engine over such connections."""
    return create_engine(make_url("postgresql+psycopg://"), creator=connect, poolclass=NullPool)


def _attachments(form: Form) -> list[dict[str, Any]]:
    return [
        {
            "code": k.code,
            "name": k.name,
            "required": k.required,
            "fields": list(k.fields),
            "kinds": list(k.kinds),
        }
        for k in (form.attachments.kinds if form.attachments else ())
    ]


def _fields(form: Form) -> list[dict[str, Any]]:
    return [
        {
            "field": f.code,
            "label": f.label,
            "measure": f.unit,
            "type": f.type,
            "required": f.required,
            "minimum": None if f.minimum is None else str(f.minimum),
            "maximum": None if f.maximum is None else str(f.maximum),
            "decimals": f.decimals,
            "choices": list(f.choices),
            "kinds": list(f.kinds),
        }
        for f in form.fields.values()
    ]
