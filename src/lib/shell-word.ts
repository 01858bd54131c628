// Text as one word of a shell, so that a command with it can be pasted as it stands.

/** Control characters, which no terminal should get, need the form that bash, zsh and ksh know: $'…'. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/\p{Cc}|\p{Cf}/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text
    .replace(/['\\]/g, '\\$&')
    .replace(/\p{Cc}|\p{Cf}/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
    );
  return `$'${escaped}'`;
}
