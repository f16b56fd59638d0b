// /v1/emails/:id/preview, /links, /headers: a message as people look at it. What is shown is somebody's mail: the answer's policy
// lets it do nothing, and nothing that it names is fetched.
#include "api/api.h"
#include "api/api_context.h"
#include "api/own_email.h"
#include "api/worker_job.h"
#include "core/header_text.h"
#include "core/time_format.h"
#include "mime/header_scan.h"
#include "mime/message_reader.h"
#include "relay/dialogue.h"
#include "web/mail_links.h"
#include "web/mail_preview.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <deque>
#include <string>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxShownImages = 50;     // each is read by itself
constexpr std::size_t kMaxShownFields = 1'000;  // of a header section
constexpr std::size_t kMaxShownFieldOctets = 16 * 1024;

struct PreviewQuestion {
  std::optional<bool> is_html;  // nullopt: HTML where there is some
  web::PreviewOptions options;
};

// True: the second of the two words; nullopt: absent. InvalidArgument: neither.
Result<std::optional<bool>> read_choice(const ApiRequest& request, std::string_view name, std::string_view first,
                                        std::string_view second) {
  const auto text = request.query_parameter(name);
  if (!text) return std::optional<bool>();
  if (*text == first || *text == second) return std::optional(*text == second);
  return Error(ErrorCode::InvalidArgument, std::string(name) + " must be " + std::string(first) + " or " + std::string(second));
}

Result<PreviewQuestion> read_preview_question(const ApiRequest& request) {
  const auto is_html = read_choice(request, "part", "text", "html");
  if (!is_html) return is_html.error();
  const auto shows_images = read_choice(request, "images", "blocked", "allowed");
  if (!shows_images) return shows_images.error();
  const auto is_dark = read_choice(request, "scheme", "light", "dark");
  if (!is_dark) return is_dark.error();
  return PreviewQuestion{*is_html, {.shows_remote_images = shows_images->value_or(false), .is_dark = is_dark->value_or(false)}};
}

ApiResponse document(std::string body, const web::PreviewOptions& options) {
  ApiResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy", std::string(web::preview_policy(options))},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"X-DNS-Prefetch-Control", "off"}};
  response.body = std::move(body);
  return response;
}

// Those that the HTML names by cid:, as far as there is room for them.
std::deque<mime::AttachmentContent> read_shown_images(const std::string& raw, const mime::ReadMessage& message) {
  std::deque<mime::AttachmentContent> images;
  std::size_t octets = 0;
  for (const mime::ReadAttachment& attachment : message.attachments) {
    const bool is_shown = !attachment.content_id.empty() && attachment.content_type.starts_with("image/") &&
                          octets + attachment.octets <= web::kMaxInlinedOctets;
    if (!is_shown) continue;
    octets += attachment.octets;
    auto content = mime::read_attachment(raw, attachment.id);
    if (content) images.push_back(std::move(*content));
    if (images.size() == kMaxShownImages) break;
  }
  return images;
}

Result<ApiResponse> preview_email(ApiContext& context, const ApiRequest& request) {
  const auto question = read_preview_question(request);
  if (!question) return question.error();
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Result<std::string> content = read_content(context.store.spool(), stored->message);
  if (!content) return content_gone();
  const mime::ReadMessage message = mime::read_message(*content);
  const bool is_html = question->is_html.value_or(message.html.has_value());
  if (!(is_html ? message.html : message.text)) {
    return api_problem(ApiProblem::NotFound, is_html ? "the message has no HTML" : "the message has no text");
  }
  if (!is_html) return document(web::preview_text(*message.text, question->options), question->options);
  const bool names_images = message.html->find("cid:") != std::string::npos || message.html->find("CID:") != std::string::npos;
  const auto read = names_images ? read_shown_images(*content, message) : std::deque<mime::AttachmentContent>();
  std::vector<web::InlineImage> images;
  for (const mime::AttachmentContent& image : read) {
    images.push_back({image.attachment.content_id, image.attachment.content_type, image.octets});
  }
  return document(web::preview_html(*message.html, images, question->options), question->options);
}

Result<ApiResponse> list_email_links(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Result<std::string> content = read_content(context.store.spool(), stored->message);
  if (!content) return content_gone();
  const mime::ReadMessage message = mime::read_message(*content);
  json::array data;
  for (const web::MailLink& link : web::list_mail_links(message.html, message.text)) {
    data.push_back(json::object{{"url", link.url},
                                {"element", link.element},
                                {"text", link.words},
                                {"host", link.host.empty() ? json::value(nullptr) : json::value(link.host)}});
  }
  return ApiResponse::json(page_json(std::move(data), {}));
}

// On one line, as it is written.
std::string unfolded(std::string_view value) {
  std::string line = repaired_utf8(value.substr(0, kMaxShownFieldOctets));
  std::erase_if(line, [](char c) { return c == '\r' || c == '\n'; });
  if (line.starts_with(' ')) line.erase(0, 1);
  return line;
}

Result<ApiResponse> list_email_headers(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  const Result<std::string> content = read_content(context.store.spool(), stored->message);
  if (!content) return content_gone();
  mime::HeaderScan scan;
  scan.feed(*content);
  if (scan.state() == mime::HeaderScan::State::Reading) scan.finish();
  json::array data;
  for (const mime::HeaderField& field : scan.fields()) {
    if (data.size() == kMaxShownFields) break;
    data.push_back(json::object{{"name", repaired_utf8(field.name)},
                                {"value", unfolded(field.value)},
                                {"decoded", header_text(field.value, kMaxShownFieldOctets)}});
  }
  return ApiResponse::json(page_json(std::move(data), {}));
}

// "> RCPT TO:<…>" → who said it, and what.
json::array lines_json(std::string_view text) {
  json::array lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view by = line.starts_with('>') ? "relay" : line.starts_with('<') ? "next_hop" : "note";
    lines.push_back(json::object{{"by", by}, {"text", line.substr(std::min<std::size_t>(2, line.size()))}});
  }
  return lines;
}

Result<ApiResponse> list_email_dialogues(ApiContext& context, const ApiRequest& request) {
  const auto stored = find_own(context, request);
  if (!stored) return stored.error();
  json::array data;
  if (context.dialogues != nullptr) {
    const store::MessageRecord& message = stored->message;
    for (const relay::Dialogue& dialogue : context.dialogues->list(message.account, message.id, context.clock.now())) {
      data.push_back(json::object{{"object", "dialogue"},
                                  {"at", format_rfc3339(dialogue.at)},
                                  {"remote", dialogue.remote},
                                  {"lines", lines_json(dialogue.text)}});
    }
  }
  return ApiResponse::json(page_json(std::move(data), {}));
}

constexpr Parameter kPreviewParameters[] = {
    {.name = "part", .description = "HTML where there is some, if nothing is said.", .values = "html text"},
    {.name = "images", .description = "allowed: the reader's browser loads images from elsewhere.", .values = "blocked allowed"},
    {.name = "scheme", .description = "What the reader's system is said to prefer.", .values = "light dark"}};

template <Work work>
constexpr Route showing(std::string_view path, std::string_view operation, std::string_view summary, std::string_view schema) {
  return {.method = Method::Get,
          .path = path,
          .access = Access::Manage,
          .body = Body::None,
          .handler = on_worker<work>,
          .operation = operation,
          .summary = summary,
          .tag = "emails",
          .response_schema = schema,
          .serves_domain_keys = true};
}

constexpr Route kPreviewRoutes[] = {
    {.method = Method::Get,
     .path = "/v1/emails/:id/preview",
     .access = Access::Manage,
     .body = Body::None,
     .handler = on_worker<preview_email>,
     .operation = "previewEmail",
     .summary = "The message as a document that does nothing, for a frame without rights",
     .tag = "emails",
     .other_content = "text/html",
     .parameters = kPreviewParameters,
     .serves_domain_keys = true},
    showing<list_email_links>("/v1/emails/:id/links", "listEmailLinks", "The addresses that an e-mail names", "MailLinkList"),
    showing<list_email_headers>("/v1/emails/:id/headers", "listEmailHeaders", "The fields of an e-mail's header section, in order",
                                "MailHeaderList"),
    showing<list_email_dialogues>("/v1/emails/:id/dialogues", "listEmailDialogues",
                                  "What was said to next hops about an e-mail, attempt by attempt, as far as it is kept",
                                  "DialogueList"),
};

constexpr std::string_view kPreviewSchemas = R"({
  "MailLink": {"type": "object", "required": ["url", "element", "text", "host"], "properties": {
    "url": {"type": "string"},
    "element": {"type": "string", "examples": ["a"], "description": "Of the HTML; `text`: it stands in the text."},
    "text": {"type": "string", "description": "What a link shows."},
    "host": {"type": ["string", "null"], "examples": ["xn--pple-43d.example"],
      "description": "In A-labels; null: no web address."}}},
  "MailLinkList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/MailLink"}}}},
  "MailHeader": {"type": "object", "required": ["name", "value", "decoded"], "properties": {
    "name": {"type": "string"}, "value": {"type": "string", "description": "On one line, as it is written."},
    "decoded": {"type": "string", "description": "With its encoded words (RFC 2047) read."}}},
  "MailHeaderList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "items": {"$ref": "#/components/schemas/MailHeader"}}}},
  "Dialogue": {"type": "object", "required": ["object", "at", "remote", "lines"], "properties": {
    "object": {"const": "dialogue"}, "at": {"type": "string", "format": "date-time", "description": "When it ended."},
    "remote": {"type": "string", "examples": ["mx.example.net [192.0.2.1]:25"]},
    "lines": {"type": "array", "description": "Without content and credentials, some 4 KiB of them.",
      "items": {"type": "object", "required": ["by", "text"], "properties": {
        "by": {"enum": ["relay", "next_hop", "note"]}, "text": {"type": "string"}}}}}},
  "DialogueList": {"type": "object", "required": ["object", "has_more", "data", "next"], "properties": {"next": {"type": "null"},
    "object": {"const": "list"}, "has_more": {"type": "boolean"},
    "data": {"type": "array", "description": "The oldest first.", "items": {"$ref": "#/components/schemas/Dialogue"}}}}
})";

}  // namespace

ApiArea preview_api() {
  return {kPreviewRoutes, kPreviewSchemas};
}

}  // namespace postern::api
