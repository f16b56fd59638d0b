// The one list of all endpoints: the server answers them, openapi.json describes them, a test holds them to rules.
#pragma once

#include "api/api.h"

#include <span>

namespace postern::api {

std::span<const ApiArea> all_areas();

}  // namespace postern::api
