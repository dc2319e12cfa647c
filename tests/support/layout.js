// Puts a page's markup in the place of the document, opened out, and says what is wrong with it as it is laid out.
// Where a page may be scrolled inside of a box, or something is there for screen readers alone, that is no fault.
(markup) => {
  const page = new DOMParser().parseFromString(markup, "text/html");
  for (const each of page.querySelectorAll("details")) each.open = true;
  for (const each of page.querySelectorAll("button[hidden]")) each.hidden = false;  // which a script would show
  document.replaceChild(document.adoptNode(page.documentElement), document.documentElement);
  const faults = new Set(), root = document.documentElement, width = innerWidth;
  const say = (what, node, more = "") => {
    const element = node.nodeType === 3 ? node.parentElement : node;
    const path = [element.parentElement, element].map(
      (e) => e.localName + (e.className.baseVal ?? e.className).split(" ").filter(Boolean).map((c) => "." + c).join(""));
    faults.add(what + ": " + path.join(" > ") + ": " + (node.data ?? element.textContent).trim().slice(0, 60) + more);
  };
  if (root.scrollWidth > width) faults.add("wider than the window: " + root.scrollWidth);
  const styles = new Map();
  const style = (e) => styles.get(e) ?? (styles.set(e, getComputedStyle(e)), styles.get(e));
  const scrolls = (e) => /auto|scroll/.test(style(e).overflowX);
  const unseen = (e) => style(e).clipPath.startsWith("inset(50%") || style(e).visibility === "hidden";
  // The nearest of an element and those around it for which something holds.
  const nearest = (test) => {
    const known = new Map([[null, null], [root, null]]);
    const find = (e) => {
      if (!known.has(e)) known.set(e, test(e) ? e : find(e.parentElement));
      return known.get(e);
    };
    return find;
  };
  const scrollerOf = nearest(scrolls), unseenOf = nearest(unseen), clipperOf = nearest((e) => style(e).overflowX !== "visible");
  const boxOf = nearest((e) => e !== document.body && /^(button|th|td|summary|legend|label|h1|h2|p|dd|dt|li|a)$/.test(e.localName)
    && style(e).display !== "inline" && style(e).display !== "contents");
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let node; (node = walker.nextNode()); ) {
    if (!node.data.trim()) continue;
    const parent = node.parentElement;
    if (parent.closest("select, textarea, script, svg") || unseenOf(parent)) continue;
    const scroller = scrollerOf(parent), clipper = clipperOf(parent), box = boxOf(parent);
    const edges = [scroller ? null : ["out of the window", { left: 0, right: width }],
      clipper && !scroller ? ["cut off", clipper.getBoundingClientRect()] : null,
      box ? ["out of its box", box.getBoundingClientRect()] : null].filter(Boolean);
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      for (const [what, edge] of edges) {
        const room = style(parent).whiteSpace === "pre-wrap" ? 16 : 1.5;  // a space at the end of a line hangs there
        if (rect.left < edge.left - room || rect.right > edge.right + room) say(what, node);
        if (what !== "out of the window" && (rect.top < edge.top - 4 || rect.bottom > edge.bottom + 4)) say(what, node, " (in height)");
      }
      if (!scroller) texts.push([rect, node]);
    }
  }
  texts.sort(([a], [b]) => a.top - b.top);
  const overlaps = (a, b, share) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > share * Math.min(a.bottom - a.top, b.bottom - b.top);
  const lying = (list, share, nested) => list.forEach(([a, one], place) => {
    for (let next = place + 1; next < list.length && list[next][0].top < a.bottom; next++) {
      const [b, other] = list[next];
      if (one !== other && !nested(one, other) && overlaps(a, b, share)) say("over another", one, " / " + (other.data ?? other.textContent).trim().slice(0, 40));
    }
  });
  lying(texts, 0.4, () => false);
  const controls = [...document.querySelectorAll("button, input, select, textarea, .button, summary, nav a")]
    .filter((e) => e.type !== "hidden" && !scrollerOf(e) && !unseenOf(e)).map((e) => [e.getBoundingClientRect(), e])
    .filter(([rect]) => rect.width > 0).sort(([a], [b]) => a.top - b.top);
  for (const [rect, control] of controls) {
    if (rect.left < -1 || rect.right > width + 1) say("out of the window", control);
    if (control.readOnly && control.localName === "textarea" && control.scrollHeight > control.clientHeight + 6
      && control.clientHeight < 300) say("cut off", control);
    if (control.localName === "select" || control.localName === "button")
      if (control.scrollWidth > control.clientWidth + 1) say("runs out", control);
  }
  lying(controls, 0.05, (a, b) => a.contains(b) || b.contains(a));
  return [...faults].slice(0, 8);
}
