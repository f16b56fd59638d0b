// What a client has of an answer already, and how small the rest is sent: validators, conditions and gzip for answers to GET
// (RFC 9110 §8.8, §13.1.2, §8.4).
#pragma once

#include "api/api.h"

#include <string>
#include <string_view>

namespace postern::api {

// A weak validator of a body: the same for its forms plain and in gzip.
std::string entity_tag(std::string_view body);
// Whether an If-None-Match field names it, or anything.
bool names_entity_tag(std::string_view if_none_match, std::string_view tag);

// Gives a good answer its ETag and makes it 304 where the client has that; else JSON and text go in gzip to who takes it, if that
// is worth while. Streams, secrets and pages stay as they are. Hashes and packs all of the body: for a worker.
void settle_representation(const ApiRequest& request, ApiResponse& response);

}  // namespace postern::api
