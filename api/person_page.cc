#include "api/person_page.h"

namespace postern::api {

ApiResponse person_page(std::string_view title, std::string_view words) {
  ApiResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'"},
                      {"Referrer-Policy", "no-referrer"}};
  response.body.append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">")
      .append("<meta name=\"viewport\" content=\"width=device-width\"><title>")
      .append(title)
      .append("</title><h1>")
      .append(title)
      .append("</h1>")
      .append(words)
      .append("</html>\n");
  return response;
}

}  // namespace postern::api
