// What stands around #main, out of a page that says that it changed: menu, name and look of the company, and who one is.
const AROUND = ['branding', 'brand', 'nav', 'account'];

/** Take them from the text of a page. False if that has to wait: the phone comes and goes with the whole page only, and a
 * call that goes on shall not end for it. */
export function follow(text) {
  const page = new DOMParser().parseFromString(text, 'text/html'); // runs no script
  if (Boolean(page.getElementById('phone')) !== Boolean(document.getElementById('phone'))) {
    const { call, incoming = [], parked = [] } = globalThis.voipcrmPhone ?? {};
    if (call || incoming.length || parked.length) return false;
    location.reload();
    return true;
  }
  for (const id of AROUND) {
    const [before, after] = [document.getElementById(id), page.getElementById(id)];
    if (!before || !after || before.outerHTML === after.outerHTML) continue;
    before.replaceWith(document.adoptNode(after));
    globalThis.htmx.process(after);
  }
  return true;
}
