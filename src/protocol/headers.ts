// Header names of the contract, in the lower case in which Node gives them.

export const HEADER = {
  sha256: 'x-content-sha256',
  reprDigest: 'repr-digest',
  contentDigest: 'content-digest',
  commit: 'x-cis490-code-commit',
  dirty: 'x-cis490-code-dirty',
  schemaVersion: 'x-cis490-schema-version',
  requestId: 'x-request-id',
} as const;
