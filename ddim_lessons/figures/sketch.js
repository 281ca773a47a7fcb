// Runs when a sheet to draw on is shown, in its front end. `this` stands before the sheet, an SVG element, or in the
// same place again after the page has scrolled. A stroke is a polyline; all of them are told to the kernel as one text.
const sheet = this.nextElementSibling;
const told = () => sheet.closest('.ddim-sketch')?.querySelector('.ddim-strokes input');
const add = (points) => {
  const line = sheet.appendChild(document.createElementNS(sheet.namespaceURI, 'polyline'));
  line.setAttribute('points', points);
  return line;
};
if (!sheet.dataset.ready) {
  sheet.dataset.ready = 'yes';
  let line = null, pointer = null;
  const place = (event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(sheet.getScreenCTM().inverse());
    return `${Math.round(x)},${Math.round(y)}`;
  };
  sheet.addEventListener('pointerdown', (event) => {
    if (event.button || line) return; // the other mouse buttons, a second finger
    event.preventDefault();
    sheet.setPointerCapture(pointer = event.pointerId);
    line = add(place(event));
  });
  sheet.addEventListener('pointermove', (event) => {
    if (line && event.pointerId === pointer) line.setAttribute('points', `${line.getAttribute('points')} ${place(event)}`);
  });
  sheet.addEventListener('lostpointercapture', () => {
    if (!line) return;
    line = null;
    told().value = [...sheet.children].map((one) => one.getAttribute('points')).join(';');
    told().dispatchEvent(new Event('change', { bubbles: true }));
  });
  // after the page was loaded anew the kernel knows more than the sheet shows
  setTimeout(() => { if (!sheet.children.length) told()?.value.split(';').filter(Boolean).forEach(add); }, 1000);
}
