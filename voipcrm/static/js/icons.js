// An icon of static/icons.svg (names: icons.txt), for what is built in the browser. Always beside words or a label.
const SVG = 'http://www.w3.org/2000/svg';
const SPRITE = new URL('../icons.svg', import.meta.url).pathname;

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Show another icon in an <svg> that is there already. */
export function swapIcon(svg, name) {
  const use = svg?.querySelector('use');
  if (use && !use.getAttribute('href').endsWith(`#${name}`))
    use.setAttribute('href', use.getAttribute('href').replace(/#.*$/, `#${name}`));
}
