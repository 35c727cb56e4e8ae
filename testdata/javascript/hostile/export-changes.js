// failure: not a function
export let set_max_age = () => {
  set_max_age = undefined;
  Promise.resolve().then(() => set_max_age());
};
