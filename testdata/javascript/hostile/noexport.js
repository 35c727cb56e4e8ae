// unpacked: exports no step
function set_max_age() {}
