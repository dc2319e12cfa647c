"""Shows the endpoints' OpenAPI document in Swagger UI, which comes with the site: nothing is fetched from elsewhere.

`make docs` takes Swagger UI from npm. The document is a script, so that the page works from the disk too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MARK = "<!-- the viewer -->"
LINK = '<a class="viewer" href="endpoints-viewer.html">Read it in Swagger UI</a>, which folds and searches it.'
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Endpoints - flask-oauth-gateway</title>
<link rel="stylesheet" href="../_static/swagger-ui.css">
<p style="margin: 1rem; font-family: sans-serif"><a href="endpoints.html">Back to the documentation</a></p>
<div id="endpoints"></div>
<noscript><p>This page needs JavaScript. The same stands in <a href="endpoints.html">Endpoints</a>.</p></noscript>
<script src="../_static/swagger-ui-bundle.js"></script>
<script src="endpoints-document.js"></script>
<script>
  SwaggerUIBundle({
    spec: ENDPOINTS, dom_id: "#endpoints", validatorUrl: null, supportedSubmitMethods: [], docExpansion: "list",
    defaultModelsExpandDepth: 0, filter: true, deepLinking: true,
    plugins: [() => ({wrapComponents: {authorizeBtn: () => () => null}})],  // nothing is sent from here
  });
</script>
</html>
"""


def add_link(app: Sphinx, name: str, source: list[str]) -> None:
    """Put a link to the viewer where docs/endpoints.md has its mark."""
    source[0] = source[0].replace(MARK, LINK)


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the viewer's page and its document beside the page of the endpoints."""
    if exception is None and app.builder.format == "html":
        folder = app.outdir / "docs"
        text = (app.confdir / "endpoints.json").read_text(encoding="utf-8")
        folder.joinpath("endpoints-viewer.html").write_text(PAGE, encoding="utf-8")
        folder.joinpath("endpoints-document.js").write_text(f"const ENDPOINTS = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Link it and write it."""
    app.connect("source-read", add_link)
    app.connect("build-finished", write)
