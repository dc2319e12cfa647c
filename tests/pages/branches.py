"""Which branches of the templates are taken: an environment that notes each `if`, `for` and inline `if` that it runs."""

from collections import Counter
from types import CodeType
from typing import Any, ClassVar

from flask.templating import Environment
from jinja2 import nodes

Branch = tuple[str, int, str]


class Watched(Environment):
    """For `app.jinja_environment`. `known` are the branches of the templates that were loaded, `taken` those that ran."""

    #: For every app: to compile was a third of the time.
    _compiled: ClassVar[dict[tuple[Any, Any], tuple[CodeType, set[Branch]]]] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.known: set[Branch] = set()
        self.taken: set[Branch] = set()

    def take(self, *branch: Any) -> str:
        self.taken.add(branch)
        return ""

    def take_with(self, value: Any, *branch: Any) -> Any:
        self.taken.add(branch)
        return value

    def compile(self, source: Any, name: str | None = None, *rest: Any, **options: Any) -> Any:
        if (source, name) not in self._compiled:
            before, self.known = self.known, set()
            self._compiled[source, name] = super().compile(source, name, *rest, **options), self.known
            self.known = before
        code, known = self._compiled[source, name]
        self.known |= known
        return code

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        self._name, self._on = name or "?", Counter[int]()
        inner = {id(each) for branching in tree.find_all(nodes.If) for each in branching.elif_}
        for each in list(tree.find_all((nodes.If, nodes.For, nodes.CondExpr))):
            if isinstance(each, nodes.CondExpr):
                each.expr1 = self._call("take_with", each, "if", [each.expr1])
                each.expr2 = self._call("take_with", each, "else", [each.expr2 or nodes.Const("")])
            elif isinstance(each, nodes.For):
                each.body.insert(0, self._statement(each, "for"))
                if each.else_:
                    each.else_.insert(0, self._statement(each, "else"))
            else:
                each.body.insert(0, self._statement(each, "if"))
                if id(each) not in inner:
                    each.else_.insert(0, self._statement(each, "else"))
        tree.set_environment(self)
        return tree

    def _statement(self, at: nodes.Node, kind: str) -> nodes.ExprStmt:
        return nodes.ExprStmt(self._call("take", at, kind, []), lineno=at.lineno)

    def _call(self, function: str, at: nodes.Node, kind: str, given: list[nodes.Expr]) -> nodes.Call:
        self._on[at.lineno] += 1
        branch = (self._name, at.lineno, f"{kind} ({self._on[at.lineno]} of that line)")
        self.known.add(branch)
        where: list[nodes.Expr] = [nodes.Const(part) for part in branch]
        return nodes.Call(nodes.EnvironmentAttribute(function), [*given, *where], [], None, None, lineno=at.lineno)
