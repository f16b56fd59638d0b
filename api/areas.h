// The endpoints of accounts, one list: those of who operates the installation are beside it (operation/areas.h).
#pragma once

#include "api/api.h"

#include <span>

namespace postern::api {

std::span<const ApiArea> account_areas();

}  // namespace postern::api
