"""What every new app compiles anew is kept for the next: its templates, and what builds the URLs of its routes.

Nearly every test has an app of its own, and compiling was half of the time that its pages took. Both come out of nothing but
their source, which is the key here.
"""

from types import CodeType
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class KeptTemplates(BytecodeCache):
    """For Flask's own environment: another may compile in a way of its own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if type(bucket.environment) is Environment:
            bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if type(bucket.environment) is Environment and bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


def keep_what_is_compiled() -> None:
    """For all apps of this process from now on."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": KeptTemplates()}
    compile_builder = Rule._compile_builder
    kept: dict[Any, Any] = {}

    def kept_builder(rule: Any, append_unknown: bool = True) -> Any:
        converters = tuple((name, type(converter)) for name, converter in rule._converters.items())
        about = (rule.rule, rule.subdomain, rule.host, rule.map.host_matching, repr(rule.defaults), converters)
        key = (*about, tuple(rule._trace), append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = kept_builder  # type: ignore[method-assign]
