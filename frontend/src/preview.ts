// A small picture of what goes up, in the place of its sign. It is drawn here, as the page may show no file of the
// reader's own machine.
const SIDE = 72;

export async function showPreview(file: File, place: HTMLElement): Promise<void> {
  if (!/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) return;
  const picture = await createImageBitmap(file, { resizeWidth: SIDE * 2 }).catch(() => null);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const paper = canvas.getContext("2d");
  if (!picture || !paper) return;
  const side = Math.min(picture.width, picture.height);
  paper.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  picture.close();
  const image = new Image();
  image.alt = "";
  image.src = canvas.toDataURL("image/webp", 0.8);
  place.replaceChildren(image);
}
