// VirtualList: rows of one height, of which only those in sight are in the page.
import { h } from "./dom";

const kBeside = 8;

export class VirtualList {
  readonly node: HTMLElement;
  private space = h("div", { class: "space" });
  private shown = new Map<number, HTMLElement>();

  constructor(
    label: string,
    private height: number, // px
    private size: () => number,
    private make: (index: number) => HTMLElement,
    private nearEnd: () => void,
  ) {
    this.node = h("div", { class: "virtual", tabindex: "0", role: "list", "aria-label": label }, this.space);
    this.node.addEventListener("scroll", () => this.draw(), { passive: true });
  }

  // Rows were added behind the others.
  draw(): void {
    const size = this.size();
    const from = Math.max(0, Math.floor(this.node.scrollTop / this.height) - kBeside);
    const to = Math.min(size, Math.ceil((this.node.scrollTop + this.node.clientHeight) / this.height) + kBeside);
    this.space.style.height = `${size * this.height}px`;
    for (const [index, node] of this.shown) {
      if (index >= from && index < to) continue;
      node.remove();
      this.shown.delete(index);
    }
    for (let index = from; index < to; ++index) {
      if (this.shown.has(index)) continue;
      const node = this.make(index);
      node.style.top = `${index * this.height}px`;
      node.setAttribute("role", "listitem");
      node.setAttribute("aria-setsize", "-1");
      node.setAttribute("aria-posinset", String(index + 1));
      this.shown.set(index, node);
      this.space.append(node);
    }
    if (to > size - 60) this.nearEnd();
  }

  // Everything is another.
  renew(): void {
    for (const node of this.shown.values()) node.remove();
    this.shown.clear();
    this.node.scrollTop = 0;
    this.draw();
  }
}
