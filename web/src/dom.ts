// Elements, made and changed without a framework.

type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, unknown>;

function fill(node: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value as EventListener);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    node.append(typeof child === "number" ? String(child) : child);
  }
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  fill(node, attributes, children);
  return node;
}

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(node, attributes, children);
  return node;
}

// Puts `children` where the old ones were, and touches nothing when the old ones look the same: focus, selection and
// scroll positions stay.
export function show(parent: Element, ...children: Child[]): void {
  const next = document.createElement("div");
  fill(next, {}, children);
  morph(parent, next);
}

function morph(old: Element, next: Element): void {
  const olds = [...old.childNodes];
  const nexts = [...next.childNodes];
  nexts.forEach((fresh, i) => {
    const there = olds[i];
    if (!there) {
      old.append(fresh);
    } else if (there.nodeType !== fresh.nodeType || there.nodeName !== fresh.nodeName || keep(there) !== keep(fresh)) {
      there.replaceWith(fresh);
    } else if (there instanceof Element && fresh instanceof Element) {
      attributes(there, fresh);
      morph(there, fresh);
    } else if (there.nodeValue !== fresh.nodeValue) {
      there.nodeValue = fresh.nodeValue;
    }
  });
  for (const extra of olds.slice(nexts.length)) extra.remove();
}

// Elements with a listener are told apart by data-key: one with another key is another element.
function keep(node: Node): string | null {
  return node instanceof Element ? node.getAttribute("data-key") : null;
}

function attributes(old: Element, next: Element): void {
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

// Calls `draw` at most once a `gap_ms`, some time after each call of what it answers.
export function calmly(draw: () => void, gap_ms = 250): () => void {
  let waiting = false;
  let last = 0;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      last = performance.now();
      draw();
    }, Math.max(0, last + gap_ms - performance.now()));
  };
}
