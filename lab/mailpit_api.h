// A run as Mailpit shows its mail, for the helpers that there are for it: their base URL is …/mailpit/<run>.
#pragma once

#include "api/api.h"

namespace postern::lab {

api::ApiArea mailpit_api();

}  // namespace postern::lab
