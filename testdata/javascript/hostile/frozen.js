// done
// log: TypeError TypeError TypeError TypeError TypeError TypeError true
const attempts = [
  () => (registrar.refuse = () => {}),
  () => delete registrar.refuse,
  () => (registrar.extra = 1),
  () => (registrar.request.client_name = "x"),
  () => Object.setPrototypeOf(registrar.client, {}),
  () => registrar.request.redirect_uris.push("https://evil.example/"),
];

const nameOf = (attempt) => {
  try {
    return attempt();
  } catch (e) {
    return e.name;
  }
};

export function set_max_age() {
  const names = attempts.map(nameOf);
  console.log(...names, Object.isFrozen(registrar));
}
