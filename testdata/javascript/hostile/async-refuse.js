// refused: async
export async function set_max_age({ refuse }) {
  await null;
  refuse("invalid_client_metadata", "async");
}
