// The endpoints of test runs.
#pragma once

#include "api/api.h"

namespace postern::lab {

api::ApiArea run_api();

}  // namespace postern::lab
