// What the report adds under a pointer: the highlight of one policy, readings of points, and one hair line
// through all panels of the course. The page says everything without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const near = (target, selector) => (target instanceof Element ? target.closest(selector) : null);

  // One policy stands out wherever it appears.
  const named = all("[data-policy]");
  const light = (policy) =>
    named.forEach((mark) => mark.classList.toggle("dim", policy !== null && mark.dataset.policy !== policy));
  const source = (target) => near(target, ".point, .curve, tbody tr")?.dataset.policy ?? null;

  // A point's title becomes a reading that shows at once.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const point of all(".point")) {
    const title = point.querySelector("title");
    point.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  const show = (point) => {
    tip.hidden = !point;
    if (!point) return;
    tip.textContent = point.getAttribute("aria-label");
    const mark = point.querySelector(".marker").getBoundingClientRect();
    const left = Math.min(mark.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    const above = mark.top - tip.offsetHeight - 8;
    tip.style.top = `${above > 0 ? above : mark.bottom + 8}px`;
  };
  for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(enter, ({ target }) => {
      light(source(target));
      show(near(target, ".point"));
    });
    document.addEventListener(leave, () => {
      light(null);
      show(null);
    });
  }
  document.addEventListener("keydown", ({ key }) => key === "Escape" && show(null));

  // One instant, read in every panel.
  const plots = all(".plot").map((plot) => {
    const line = plot.querySelector(".line");
    const numbers = line ? line.getAttribute("d").match(/-?[\d.]+/g).map(Number) : [];
    const points = numbers.flatMap((x, index) => (index % 2 ? [] : [[x, numbers[index + 1]]]));
    const label = plot.querySelector(".peak");
    return { plot, points, label, peak: label.textContent, top: Number(plot.dataset.top) };
  });
  const reading = ({ points, top }, at) => {
    const distance = ([x]) => Math.abs(x - at);
    const nearest = points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
    // Heights are drawn to a ten-thousandth of the axis, so no more digits are known.
    const digits = Math.max(0, 4 - Math.ceil(Math.log10(top)));
    const sign = nearest[1] === 0 && top > 0 ? "≥ " : "";
    return sign + Number((top * (1 - nearest[1] / 100)).toFixed(digits)).toLocaleString("en");
  };
  const instant = ({ begin, end }, at) => {
    const moment = new Date(Number(begin) + (Number(end) - Number(begin)) * (at / 1000));
    return moment.toISOString().slice(5, 16).replace("T", " ");
  };
  const draw = (at) => {
    for (const panel of plots) {
      const { plot, points, label, peak } = panel;
      plot.querySelector(".hair")?.remove();
      label.textContent = at === null || !points.length ? peak : reading(panel, at);
      const demand = at === null ? null : plot.closest(".demand");
      if (demand) label.textContent = `${instant(demand.dataset, at)}: ${label.textContent}`;
      if (at === null) continue;
      const hair = document.createElement("span");
      hair.className = "hair";
      hair.style.left = `${at / 10}%`;
      plot.append(hair);
    }
  };
  document.addEventListener("pointermove", ({ target, clientX }) => {
    const plot = near(target, ".plot");
    if (!plot) return;
    const { left, width } = plot.getBoundingClientRect();
    draw(Math.min(1, Math.max(0, (clientX - left) / width)) * 1000);
  });
  all(".plot").forEach((plot) => plot.addEventListener("pointerleave", () => draw(null)));
})();
