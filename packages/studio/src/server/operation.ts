/** An operation of a document of the contract's language, with the types that are generated for it. */
export interface Operation<Data, Variables> {
  document: string;
  name: string;
  /** Only for the types. */
  readonly types?: (variables: Variables) => Data;
}
