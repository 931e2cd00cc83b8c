#include "core/activation.h"

const struct runtime runtime_of_nobody;
