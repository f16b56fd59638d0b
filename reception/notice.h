// The words of a report, without the mail that it is about: what stands in its fields and what it tells people. Pure.
#pragma once

#include "mime/part_list.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::reception {

// A recipient's fields (RFC 3464 §2.3), wherever in the report they stand; values without the type in front ("rfc822;").
struct RecipientFields {
  std::string recipient;  // Final-Recipient, else Original-Recipient, else X-Actual-Recipient
  std::string action;     // lower case: "failed", "delayed" …
  std::string status;
  std::string diagnostic_type;  // lower case: "smtp", "x-unix"
  std::string diagnostic;
  std::string remote;
  std::string category;  // PowerMTA's word for what it was about, lower case: "bad-mailbox"
};

struct Notice {
  std::string words;  // for people, LF line ends
  std::vector<RecipientFields> fields;
  std::optional<std::string> feedback;  // the fields of message/feedback-report
  std::string original;                 // the header of the mail that it is about, as far as it is there
  bool is_status_report = false;        // it says that it is one: a delivery-status part or report-type
};

// `parts`: of one message, in their order.
Notice read_notice(const std::vector<mime::ListedPart>& parts, std::string_view message_header);

// What is said of each address that the words name: "addr: diagnosis", the address with lines behind it, a transcript. In the
// order in which they are named first; where none is named, one without an address.
struct Passage {
  std::string address;
  std::string words;
};
std::vector<Passage> passages_of(std::string_view words);

}  // namespace postern::reception
