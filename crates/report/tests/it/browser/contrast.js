// Texts of which the contrast with what lies behind them is below WCAG's 4.5. Charts' texts are drawn by their own library on a plain ground.
const number = (text) => text.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = number(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const poor = new Map();
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || element.closest("svg, script, style, noscript, option") || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const [a, b] = [light(number(style.color)), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const kind = `${element.tagName}.${element.className}`;
  if (ratio < 4.5 && !poor.has(kind)) poor.set(kind, `${kind} ${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 30)}`);
}
return [...poor.values()];
