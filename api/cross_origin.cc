#include "api/cross_origin.h"

namespace postern::api {

std::optional<std::string> allowed_origin(std::span<const std::string> origins, std::string_view origin) {
  if (origin.empty()) return std::nullopt;
  for (const std::string& allowed : origins) {
    if (allowed == "*" || allowed == origin) return allowed;
  }
  return std::nullopt;
}

ApiResponse preflight_answer() {
  ApiResponse response;
  response.status = 204;
  response.headers = {
      {"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"},
      {"Access-Control-Allow-Headers",
       "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Batch-Validation"},
      {"Access-Control-Max-Age", "600"}};
  return response;
}

void allow_origin(ApiResponse& response, const std::string& origin) {
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  if (origin != "*") response.headers.emplace_back("Vary", "Origin");
  response.headers.emplace_back(
      "Access-Control-Expose-Headers",
      "X-Request-Id, ETag, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Idempotency-Replayed");
}

}  // namespace postern::api
