import { openEditor } from './editor.ts';

const field = (name: string): HTMLInputElement => {
  const found = document.querySelector(`[name="${name}"]`);
  if (found instanceof HTMLInputElement) return found;
  throw new Error(`There is no field ${name}`);
};

document.querySelector('form')?.addEventListener('submit', (event) => {
  event.preventDefault();
  const token = field('token').value || null;
  const { provider } = openEditor(
    document.body,
    { url: field('url').value, documentId: field('document').value, token: () => token },
    { name: field('person').value, color: field('color').value },
  );
  const status = document.querySelector('output');
  const show = (): void => {
    if (status)
      status.value = provider.error?.message ?? `${provider.status}${provider.isSaved ? '' : ', not saved yet'}`;
  };
  provider.onStatus(show);
  provider.onSaved(show);
  show();
});
