// What receivers and their readers hold against a mail: form, header, HTML that clients drop, links, attachments, signature. Pure;
// nothing that the mail names is fetched. docs/testing.md has the table, with who says so.
#pragma once

#include "lab/captured_mail.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::lab {

enum class Severity {
  Fault,    // some receivers refuse it or show nothing of it
  Warning,  // it looks otherwise than meant, or counts against it
};
std::string_view severity_name(Severity severity);

struct MailFinding {
  Severity severity = Severity::Warning;
  std::string_view check;  // a name that stays: "html_script"
  std::string words;       // one sentence
};

// One for each check at most, faults first. Takes time in proportion to the content.
std::vector<MailFinding> check_mail(const CapturedMail& mail);

}  // namespace postern::lab
