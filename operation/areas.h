// The endpoints of who operates the installation, and the one list of all endpoints: the server answers them, openapi.json
// describes them, a test holds them to rules.
#pragma once

#include "api/api.h"

#include <span>

namespace postern::operation {

// Each is defined in operation/<area>.cc.
api::ApiArea account_api();
api::ApiArea queue_api();
api::ApiArea order_api();
api::ApiArea report_api();
api::ApiArea node_api();

// With those of api/areas.h.
std::span<const api::ApiArea> all_areas();

}  // namespace postern::operation
