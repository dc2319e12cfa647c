// Says what is wrong with pages as they are laid out in windows of some sizes, by the pages' names. `styles` are what they link to.
// A page's markup comes in the place of a frame's document, opened out: nothing is loaded for it, and nothing is painted.
// Where a page may be scrolled inside of a box, or something is there for screen readers alone, that is no fault. Those are
// asked for last, when something seems to be a fault: what a style is computed for costs most.
({ pages, styles, sizes }) => {
  const frame = document.body.appendChild(document.createElement("iframe")), inside = frame.contentDocument;
  inside.write("<!doctype html>");
  inside.close();
  const view = inside.defaultView, range = inside.createRange(), sheets = {};
  for (const [name, text] of Object.entries(styles)) (sheets[name] = new view.CSSStyleSheet()).replaceSync(text);

  const put = (markup) => {
    const page = new DOMParser().parseFromString(markup, "text/html");
    for (const each of page.querySelectorAll("details")) each.open = true;
    for (const each of page.querySelectorAll("button[hidden]")) each.hidden = false;  // which a script would show
    const links = [...page.querySelectorAll("link[rel=stylesheet]")];
    inside.adoptedStyleSheets = links.map((link) => (link.remove(), sheets[link.getAttribute("href").split("/").pop()]));
    inside.replaceChild(inside.adoptNode(page.documentElement), inside.documentElement);
  };
  // The nearest of an element and those around it for which something holds.
  const nearest = (test) => {
    const known = new Map([[null, null], [inside.documentElement, null]]);
    const find = (e) => {
      let found = known.get(e);
      if (found === undefined) known.set(e, found = test(e) ? e : find(e.parentElement));
      return found;
    };
    return find;
  };
  const kept = (make) => {
    const known = new Map();
    return (e) => known.get(e) ?? (known.set(e, make(e)), known.get(e));
  };
  const plain = ({ left, right, top, bottom }) => ({ left, right, top, bottom });
  const BOX = /^(button|th|td|summary|legend|label|h1|h2|p|dd|dt|li|a)$/;

  const look = () => {
    const faults = new Set(), root = inside.documentElement, width = view.innerWidth;
    const say = (what, node, more = "") => {
      const element = node.nodeType === 3 ? node.parentElement : node;
      const path = [element.parentElement, element].map(
        (e) => e.localName + (e.className.baseVal ?? e.className).split(" ").filter(Boolean).map((c) => "." + c).join(""));
      faults.add(what + ": " + path.join(" > ") + ": " + (node.data ?? element.textContent).trim().slice(0, 60) + more);
    };
    if (root.scrollWidth > width) faults.add("wider than the window: " + root.scrollWidth);
    const style = kept((e) => view.getComputedStyle(e)), rectOf = kept((e) => plain(e.getBoundingClientRect()));
    const clipperOf = nearest((e) => style(e).overflowX !== "visible");
    const scrollerOf = nearest((e) => clipperOf(e) === e && /auto|scroll/.test(style(e).overflowX));
    const unseenOf = nearest((e) => style(e).clipPath.startsWith("inset(50%") || style(e).visibility === "hidden");
    const boxOf = nearest((e) => BOX.test(e.localName) && style(e).display !== "inline" && style(e).display !== "contents");
    const elementOf = (node) => (node.nodeType === 3 ? node.parentElement : node);
    const excused = (node) => scrollerOf(elementOf(node)) || unseenOf(elementOf(node));
    const texts = [], walker = inside.createTreeWalker(inside.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      if (!/\S/.test(node.data)) continue;
      const parent = node.parentElement;
      if (parent.closest("select, textarea, script, svg")) continue;
      const clipper = clipperOf(parent), box = boxOf(parent);
      const edges = [["out of the window", { left: 0, right: width, top: -Infinity, bottom: Infinity }]];
      if (clipper) edges.push(["cut off", rectOf(clipper)]);
      if (box) edges.push(["out of its box", rectOf(box)]);
      range.selectNodeContents(node);
      for (const found of range.getClientRects()) {
        const rect = plain(found);
        if (rect.right - rect.left < 1 || rect.bottom - rect.top < 1) continue;
        for (const [what, edge] of edges) {
          const over = Math.max(edge.left - rect.left, rect.right - edge.right);
          const isHigh = rect.top < edge.top - 4 || rect.bottom > edge.bottom + 4;
          if ((over <= 1.5 && !isHigh) || unseenOf(parent) || (scrollerOf(parent) && what !== "out of its box")) continue;
          // A space at the end of a line hangs there.
          if (over > (style(parent).whiteSpace === "pre-wrap" ? 16 : 1.5)) say(what, node);
          if (isHigh) say(what, node, " (in height)");
        }
        texts.push([rect, node]);
      }
    }
    const overlaps = (a, b, share) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > share * Math.min(a.bottom - a.top, b.bottom - b.top);
    const lying = (list, share, nested) => list.sort(([a], [b]) => a.top - b.top).forEach(([a, one], place) => {
      for (let next = place + 1; next < list.length && list[next][0].top < a.bottom; next++) {
        const [b, other] = list[next];
        if (one !== other && overlaps(a, b, share) && !nested(one, other) && !excused(one) && !excused(other))
          say("over another", one, " / " + (other.data ?? other.textContent).trim().slice(0, 40));
      }
    });
    lying(texts, 0.4, () => false);
    const controls = [...inside.querySelectorAll("button, input:not([type=hidden]), select, textarea, .button, summary, nav a")]
      .map((e) => [rectOf(e), e]).filter(([{ left, right }]) => right > left);
    for (const [rect, control] of controls) {
      const sayOf = (what) => excused(control) || say(what, control);
      if (rect.left < -1 || rect.right > width + 1) sayOf("out of the window");
      if (control.readOnly && control.localName === "textarea" && control.scrollHeight > control.clientHeight + 6
        && control.clientHeight < 300) sayOf("cut off");
      if (control.localName === "select" || control.localName === "button")
        if (control.scrollWidth > control.clientWidth + 1) sayOf("runs out");
    }
    lying(controls, 0.05, (a, b) => a.contains(b) || b.contains(a));
    return [...faults].slice(0, 8);
  };

  const found = [];
  for (const [name, markup] of Object.entries(pages)) {
    put(markup);
    for (const { width, height } of sizes) {
      frame.style.cssText = `border: 0; width: ${width}px; height: ${height}px`;
      for (const fault of look()) found.push(`${width}, ${name}: ${fault}`);
    }
  }
  frame.remove();
  return found;
}
