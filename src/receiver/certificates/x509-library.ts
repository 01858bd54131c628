// The library that makes certificates and reads requests for them. It takes half a second to load: only who has an authority does.

export type X509Library = typeof import('@peculiar/x509');

export async function loadX509Library(): Promise<X509Library> {
  // The library looks for it while it is loaded.
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}
