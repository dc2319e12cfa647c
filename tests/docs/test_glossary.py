"""The glossary's words are links on the site, each page's first of them, and nothing else is changed."""

import re
from pathlib import Path

from docs._sphinx.glossary import link, terms_of

DOCS = Path(__file__).parents[2] / "docs"
GLOSSARY = DOCS.joinpath("glossary.md").read_text(encoding="utf-8")
TERMS = terms_of(
    """\
## A to Z

### Access token

What a client sends ([Tokens](tokens.md)). It is good for an hour.

### Plan
<!-- no links -->

What a client may reach.

### Scope

What a token is `good` for, "as a name".

### Token endpoint

Where tokens come from (RFC 6749).
"""
)


def linked(text: str) -> str:
    return re.sub(r'\]\(glossary\.md#([\w-]+) "[^"]+"\)', r"](\1)", link(text, TERMS, "glossary.md"))


def test_the_first_of_each_word_is_a_link_that_says_what_it_means() -> None:
    text = link("Scopes are names. A scope is one.", TERMS, "../glossary.md")
    assert (
        text == """[Scopes](../glossary.md#scope "What a token is good for, 'as a name'.") are names. A scope is one."""
    )


def test_the_longer_word_counts_also_over_the_end_of_a_line() -> None:
    assert linked("the access\ntoken, and the token endpoint") == (
        "the [access\ntoken](access-token), and the [token endpoint](token-endpoint)"
    )


def test_meanings_are_one_sentence_without_links() -> None:
    assert [(each.word, each.meaning) for each in TERMS] == [
        ("Access token", "What a client sends."),
        ("Scope", "What a token is good for, 'as a name'."),
        ("Token endpoint", "Where tokens come from."),
    ]


def test_a_word_with_other_meanings_is_no_link() -> None:
    assert linked("a plan, and its scope") == "a plan, and its [scope](scope)"


def test_code_headings_links_and_other_words_stay_as_they_are() -> None:
    untouched = """\
# Scope

## The access token

`scope=a` and ``a `scope` b``, [the scope](tokens.md#scope), ![scope](scope.png), <scope@a.example>, https://scope.example/
microscope, scope-like, scopeless, [scope][1]

```python
scope = "notes:read"
```

  ```console
  $ curl -d scope=a
  ```

<!-- scope -->
<details><summary title="scope"><code>a.py</code>: a scope</summary>
"""
    assert link(untouched, TERMS, "glossary.md") == untouched
    assert linked(untouched + "\nA scope.").endswith("\nA [scope](scope).")


def test_the_glossary_is_sorted_and_each_word_has_a_sentence() -> None:
    words = re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    assert len(words) == len(set(words)) > 50
    assert all(each.meaning.endswith(".") for each in terms_of(GLOSSARY))


def test_what_is_on_the_pages_is_linked_once() -> None:
    page = DOCS.joinpath("flows", "refresh_token.md").read_text(encoding="utf-8")
    text = link(page, terms_of(GLOSSARY), "../glossary.md")
    found = re.findall(r"\]\(\.\./glossary\.md#([\w-]+) ", text)
    assert {"client", "refresh-token", "access-token"} <= set(found)
    assert len(found) == len(set(found))
    assert re.sub(r'\[([^]]+)\]\(\.\./glossary\.md#[\w-]+ "[^"]+"\)', r"\1", text) == page
