"""What attempts to take over a model look like: signs in a text, and how much each weighs.

Rule: a sign is a way of saying, never a subject. To ask what a jailbreak is, or to have a text
about one summed up, is no attempt. All patterns are RE2's, in time linear to the text.
"""

from dataclasses import dataclass
from typing import Any

import re2

STRONG, MIDDLE, WEAK = 0.75, 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Sign:
    """One way of saying."""

    name: str
    """What the operator is told."""
    weight: float
    """How sure it makes by itself, 0 to 1."""
    pattern: Any
    """Of RE2, for text that was made plain."""


def _sign(name: str, weight: float, *patterns: str) -> Sign:
    joined = "|".join(f"(?:{one})" for one in patterns)
    return Sign(name, weight, re2.compile(f"(?is){joined}"))


_DROP = (
    r"\b(?:ignore|ignoring|disregard|forget|override|overrule|bypass|discard|neglect|abandon|erase"
    r"|do ?n[o']t (?:follow|obey|listen to|comply with)|stop (?:following|obeying)"
    r"|pay no attention to|no longer (?:follow|obey))\s+"
)
_FILLING = (
    r"(?:(?:to|all|any|everything|of|about|in|that|you|were|was|been|have|told|given|said|and|or"
    r"|absolutely|completely|every|single|what|the|those|these|my)\s+){0,6}"
)
_BEFORE = (
    r"(?:(?:previous(?:ly)?|prior|above|earlier|preceding|foregoing|former|initial|original|system"
    r"|developer|safety|content|your|its|given|existing|other)\s+){1,4}"
)
_ORDERS = (
    r"(?:instructions?|prompts?|directions?|directives?|guidelines?|guidance|commands?|context"
    r"|programming|training|polic(?:y|ies)|guardrails?|safeguards?|filters?|orders)\b"
)
_RULES = r"(?:rules?|restrictions?|constraints?|limits|limitations|persona)\b"
_OURS = r"(?:your|system|developer|safety|content)\s+"

_SHOW = (
    r"\b(?:reveal|show|print|repeat|output|display|expose|leak|dump|disclose|recite|reproduce|echo"
    r"|list|write (?:out|down)|copy|paste|tell me|give me|return|share|summari[sz]e|translate"
    r"|encode|spell out|what (?:is|are|was|were))\s+(?:\w+\s+){0,4}?"
)
_SECRET = r"(?:(?:system|hidden|secret|developer|internal|confidential|pre|base|underlying)[\s-]+)+"
_FIRST = r"(?:(?:initial|original|first|full|entire|exact|starting|complete)[\s-]+)"
_PROMPT = (
    r"(?:prompt|instructions?|message|rules?|guidelines?|configuration|directives?"
    r"|preamble)\b"
)

_FREE = (
    r"(?:without (?:any |all )?(?:\w+ ){0,2}|no |zero |free (?:of|from) (?:all "
    r"|any )?)(?:\w+ ){0,2}"
    r"(?:restrictions?|limitations|limits|rules|filters?|censorship|guidelines|constraints|morals?"
    r"|ethics|boundaries)\b"
)
_LOOSE = (
    r"(?:unrestricted|uncensored|unfiltered|unaligned|jail-?broken|amoral|evil|god|dan|jailbreak"
    r"|opposite|no-?filter)"
)

_OVERRIDE_ENGLISH = _sign(
    "override",
    STRONG,
    _DROP + _FILLING + _BEFORE + _ORDERS,
    _DROP + _FILLING + r"(?:\w+\s+){0,2}?" + _OURS + r"(?:\w+\s+)?" + _RULES,
    _DROP + r"(?:all|any|every)\s+(?:of\s+)?(?:previous|prior|earlier|your|the above)\s+" + _RULES,
    _DROP + r"(?:the\s+)?(?:guidelines?|instructions?|rules|directives)\s+(?:that\s+)?you\b",
    r"\b(?:ignore|disregard|forget)\s+(?:everything|anything|all|what(?:ever)?)\s+(?:that\s+)?"
    r"(?:(?:you|i|we|they)\s+)?(?:\w+\s+){0,3}?"
    r"(?:before|above|previously|earlier|until now|so far|up to (?:this point|now))\b",
    r"\bforget (?:that )?(?:you(?:'re| are)|being) (?:an? )?(?:ai|assistant|bot|language model"
    r"|llm)",
    r"\b(?:instructions?|rules|guidelines|restrictions|filters?)\s+(?:above |before |so far )?"
    r"(?:no longer apply|do(?:es)? not apply|are (?:all )?(?:now )?"
    r"(?:void|suspended|lifted|cancell?ed|disabled|removed|obsolete))",
    r"\binstead\b.{0,24}\breveal\b|\boverride (?:your|all|any) (?:\w+ )?(?:programming|safety)",
)
_OVERRIDE_OTHERS = _sign(
    "override",
    STRONG,
    r"\b(?:ignorier\w*|vergiss|missachte)\b.{0,40}\b(?:anweisung|instruktion|vorgabe)",
    r"\b(?:ignor[ae]|olvida|descarta)\b.{0,40}\b(?:instruccion|indicacion|órdenes)",
    r"\b(?:ignore[zr]?|oublie[zr]?)\b.{0,40}\b(?:instructions|consignes|directives) "
    r"(?:précédent|antérieur|ci-dessus|initial)",
    r"\b(?:ignor[ae]|esque[çc]a)\b.{0,40}\binstru(?:ç|c)(?:ões|ão|oes)",
    r"\b(?:ignora|dimentica)\b.{0,40}\b(?:istruzion|indicazion)",
    r"\bnegeer\b.{0,40}\b(?:instructies|opdrachten)",
    r"\b(?:zignoruj|zapomnij)\b.{0,40}\b(?:instrukcj|polece)",
    r"(?:игнорируй|забудь|проигнорируй).{0,40}(?:инструкци|указани)",
    r"(?:忽略|无视|忘记|忽視|無視).{0,16}(?:指令|指示|提示|说明)",
    r"(?:以前|これまで|上記|前)の?.{0,10}(?:指示|命令)を.{0,6}(?:無視|忘れ)",
    r"(?:이전|위의?|모든).{0,12}(?:지시|명령).{0,6}(?:무시|잊)",
)
_REVEAL = _sign(
    "reveal",
    STRONG,
    _SHOW + r"(?:your|the|its|this|me)\s+(?:\w+\s+){0,2}?" + _SECRET + _PROMPT,
    _SHOW + r"your\s+(?:\w+\s+){0,2}?" + _FIRST + _PROMPT,
    _SHOW + r"(?:the\s+)?" + _FIRST + r"(?:prompt|instructions?|rules)\s+(?:that\s+)?(?:you"
    r"|given)\b",
    _SHOW + r"your\s+(?:instructions|prompt|rules|guidelines)\b.{0,24}\b(?:verbatim|word for word)",
    r"\b(?:your|the) full configuration and (?:\w+ )?prompt",
    r"\b(?:print|repeat|output|echo|copy|paste|display|show|translate)\s+(?:\w+\s+){0,2}?"
    r"(?:everything|all|(?:the )?(?:text|words|content|lines))\s+(?:\w+\s+){0,2}?"
    r"(?:above|before|preceding|prior to)\s*(?:this|starting|beginning|verbatim|[.!,:;\"]|$)",
    r"\bwhat (?:were|are) (?:you|your)\b.{0,60}\b(?:secret|hidden|word for word|verbatim)\b",
    r"\b(?:zeig|nenne|gib|verrate)\w*\b.{0,30}\b(?:system-?prompt|systemanweisung)",
    r"\b(?:muestra|revela|dime)\b.{0,30}\b(?:prompt del sistema|instrucciones (?:iniciales"
    r"|ocultas))",
    r"\b(?:montre|révèle|affiche)\w*\b.{0,30}\b(?:prompt système|instructions (?:initiales"
    r"|cachées))",
    r"(?:выведи|покажи|раскрой).{0,20}систем\w* (?:промпт|подсказк|инструкци)",
    r"(?:告诉|显示|输出|透露).{0,8}(?:系统提示|系统指令|初始指令)",
)
_PERSONA = _sign(
    "persona",
    STRONG,
    r"\bdo anything now\b",
    r"\byou(?:'re| are)(?: now| going to be| no longer)? (?:\w+ ){0,2}" + _LOOSE + r"\w*\b",
    r"\b(?:act|behave|respond|answer|pretend|role-?play|operate|simulate|function)\b.{0,60}\b"
    r"(?:as|an?|be|like) (?:\w+ ){0,3}(?:ai|model|bot|assistant|llm|gpt|\w*gpt|\w+bot)\b.{0,60}\b"
    + _FREE,
    r"\b(?:ai|model|bot|assistant|llm|\w*gpt|\w+bot)\b.{0,40}\b(?:has|have|with|had|and) " + _FREE,
    r"\bas (?:an? )?" + _LOOSE + r" (?:ai|model|bot|assistant|llm|version)",
    r"\b(?:answer|respond|reply|speak|talk)\w*\b.{0,40}\bwithout (?:any )?(?:\w+ )?"
    r"(?:filters?|morals?|censorship|restrictions)\b",
    r"\b(?:enable|enter|activate|switch (?:in)?to|turn on|unlock|engage|you are in)\b.{0,16}\b"
    + _LOOSE
    + r" ?-?mode\b",
    r"\b(?:free|freed|liberated|released|broken free) (?:of|from) (?:\w+ ){0,3}(?:openai|anthropic"
    r"|google|confines|shackles)",
    r"\b(?:dan|it) has no (?:limits|rules|restrictions)",
)
_COMPLIANCE = _sign(
    "compliance",
    MIDDLE,
    r"\b(?:you|it|bot|ai|who|which|that|must|and|will)\s+(?:can(?:'?t|not| never)|never"
    r"|must (?:not|never)"
    r"|(?:do|does|will|are|is) ?n[o']t (?:allowed to )?)\s*(?:ever )?(?:refus\w+|decline"
    r"|say (?:no|that you can))",
    r"(?:^|[.;,!:]\s*)(?:please )?never (?:refuse|say (?:no|you can'?t|that you can'?t|sorry))",
    r"\b(?:begin|start|open|preface)\b.{0,16}\b(?:answer|response|reply)\b.{0,12}\bwith\b.{0,8}\b"
    r"(?:sure|absolutely|of course|certainly)\b",
    r"\[?(?:jailbreak|jailbroken|dan|unfiltered)\]?:.{0,80}\[?(?:classic|gpt)\]?:",
    r"\bonce\b.{0,24}\bnormal\w*\b.{0,40}\bunfiltered\b",
    r"\btokens?\b.{0,40}\byou (?:die|cease|will be)",
    r"\bstay in dan\b",
)
_DEVICES = _sign(
    "devices",
    WEAK,
    r"\bstay(?:ing)? in character\b",
    r"\b(?:no|without|do not include|don'?t (?:include|give|add))\b.{0,12}\b(?:any )?"
    r"(?:warnings?|disclaimers?)\b",
    r"\b(?:enable|enter|activate|turn on)\b.{0,16}\b(?:developer|debug|admin|root|sudo) ?-?mode\b",
    r"\bdecode (?:this|the)\b.{0,40}\b(?:follow|do what|execute|obey)",
    r"\bdeceased grand(?:mother|father)\b|\bhypothetical(?:ly)? world where\b",
)
_MARKUP = _sign(
    "markup",
    STRONG,
    r"<\|(?:im_start|im_end|system|endoftext|start_header_id|eot_id|begin_of_text)\|?>",
    r"<<SYS>>|\[INST\].{0,40}<<|<start_of_turn>|<\|(?:user|assistant)\|>",
    r"(?:^|\n)\s*(?:#{1,4}|\*{2}|=+|-{3,}|\[|<)\s*(?:new |updated |begin |end of )?"
    r"(?:system|developer|admin(?:istrator)?)(?:[ _-](?:prompt|message|instructions?|override))?"
    r"\s*(?:#+|\*{2}|=+|-{3,}|\]|>)?\s*:?\s*.{0,12}\b(?:you|ignore|from now|new|disregard)\b",
    r"</(?:system|instructions?|context|prompt|document|user_input|data)>\s*.{0,20}"
    r"\b(?:you|ignore|new|system|now)\b",
    r"\b(?:end|begin)(?:ning)?(?: of)? (?:the )?(?:system )?(?:prompt|instructions|user input"
    r"|context)"
    r"\s*[\]\-=#*>:]+.{0,40}\b(?:new|now|ignore|instead|you|system)\b",
)
_ORDERED = _sign(
    "new orders",
    MIDDLE,
    r"\byour (?:new|real|actual|true|updated|only) (?:\w+ )?(?:instructions?|task|goal|objective"
    r"|purpose|role|rules|mission|system prompt)\b\s*(?:is|are|:|will be)",
    r"\bnew (?:system )?(?:instructions?|prompt|directives?|message)\s*(?:are |is |follow\w* )?:",
    r"\byou (?:must|will|shall|have to) (?:now )?(?:obey|comply with) ",
    r"\b(?:system|admin(?:istrator)?|security|root)[ _-]override\b",
    r"\b(?:this|here) is (?:an? )?(?:message|instruction|order|update) from (?:the "
    r"|your )?(?:system"
    r"|admin\w*|developers?|creators?|openai|anthropic|operator)",
    r"\bi(?: a|')m (?:your|the (?:ai|bot|chatbot|assistant|model)'?s?) (?:\w+ )?(?:developer"
    r"|creator"
    r"|admin(?:istrator)?|programmer|owner)\b",
)
SIGNS = (
    *(_OVERRIDE_ENGLISH, _OVERRIDE_OTHERS, _REVEAL, _PERSONA, _COMPLIANCE),
    *(_DEVICES, _MARKUP, _ORDERED),
)
"""What people (or what they paste) say to a model."""

_AI = r"(?:ai|llm|gpt|assistant|language model|chat ?bot|agent|copilot|claude|chatgpt|gemini)s?"
IN_DATA = (
    _sign(
        "orders in data",
        STRONG,
        rf"\b{_AI}\b(?: \w+){{0,4}}[,:]? (?:must|should|shall|need to|have to|please)\b.{{0,60}}\b"
        r"(?:ignore|disregard|send|forward|email|recommend|rank|reveal|call|visit|execute|run"
        r"|delete"
        r"|transfer|approve|output|respond|reply)\b",
        rf"\b(?:attention|important|note|hey|hello|dear|instructions?|message)\b[\w ]{{0,16}}"
        rf"\b(?:to|for)?[ :]*(?:the |all |any )?{_AI}\b\s*[:,!]",
        r"\bif you(?:'re| are) (?:an? )?(?:ai|llm|language model|chat ?bot|gpt)\b",
        r"\b(?:when|while|before|after) (?:you )?(?:summari[sz]|answer|process|read|respond"
        r"|review)\w*"
        r"\b.{0,60}\b(?:you must|also (?:send|include|say|call|add)|ignore|first (?:send|call"
        r"|run))",
    ),
    _sign(
        "secrecy",
        STRONG,
        r"\b(?:do not|don'?t|never|without)\b.{0,24}\b(?:tell|mention|inform|notify|alert|reveal"
        r"|disclos|show|ask)\w*.{0,24}\b(?:the )?(?:user|human)\b",
    ),
    _sign(
        "taking data out",
        MIDDLE,
        r"!\[[^\]]{0,80}\]\(https?://[^)\s]{0,200}[?&][^)\s]{0,80}=\s*(?:\{|<|\[|\$|%7B)",
        r"\b(?:send|forward|email|upload|transmit|include|append)\b.{0,60}\b(?:conversation"
        r"|chat history|api keys?|passwords?|credentials|secrets|system prompt"
        r"|user'?s? (?:data|emails?|messages))\b",
        r"\b(?:send|forward|exfiltrate|leak)\b.{0,60}\b(?:all|every|last|contents?|emails?"
        r"|files?)\b"
        r".{0,40}\bto\b.{0,12}(?:https?://|[\w.+-]+@[\w-]+\.)",
    ),
)
"""Besides, what documents and tools say that nobody says to a person: looked for in what tools
answer alone."""
