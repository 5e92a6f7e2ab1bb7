"""Bytes become text and text becomes clean: encodings, what does not show, and one spelling of a letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.documents.decoding import decode
from ragcli.documents.unreadable import UnreadableFile
from ragcli.evaluation.questions import Question
from ragcli.evaluation.relevance import relevant_chunks
from ragcli.text.clean import clean
from ragcli.types import Chunk

PROSE = {
    "Windows-1252 cp1252": [
        "Die Kündigungsfrist beträgt drei Monate. Die Schlüssel sind am letzten Arbeitstag bis zwölf Uhr "
        "zurückzugeben. Auslandsreisen genehmigt die Leitung der Abteilung – „ohne Gewähr“, 5 €.",
        "Le délai de préavis est de trois mois à Genève. L’employé doit rendre les clés et le badge le "
        "dernier "
        "jour avant midi. Les reçus sont conservés cinq ans, même après la clôture des comptes.",
        "El plazo de preaviso es de tres meses. ¿Cuántos años se guardan los recibos? Cinco años, según la "
        "sección. El empleado debe devolver las llaves antes del mediodía.",
        "O prazo de aviso prévio é de três meses. As viagens ao estrangeiro são aprovadas pela direção; "
        "não há "
        "exceções. Os recibos são guardados cinco anos.",
        "The employee’s notice period is three months. Keys are returned on the last day – before noon. The "
        "“café” is closed at weekends.",
    ],
    "Windows-1250 cp1250": [
        "Okres wypowiedzenia wynosi trzy miesiące. Pracownik musi oddać klucze w ostatnim dniu pracy przed "
        "południem. Rachunki należy przechowywać przez pięć lat. Źródło: księgowość.",
        "Výpovědní lhůta je tři měsíce. Zaměstnanec musí odevzdat klíče a průkaz poslední pracovní den před "
        "polednem. Účtenky se uchovávají pět let. Žádost podejte včas.",
    ],
    "ISO 8859-2 iso8859_2": [
        "Okres wypowiedzenia wynosi trzy miesiące. Pracownik musi oddać klucze w ostatnim dniu pracy przed "
        "południem. Rachunki należy przechowywać przez pięć lat. Źródło: księgowość.",
    ],
    "Windows-1254 cp1254": [
        "İhbar süresi üç aydır. Çalışan son iş gününde öğleden önce anahtarları ve giriş kartını teslim "
        "etmelidir. Makbuzlar beş yıl saklanır.",
    ],
    "Windows-1251 cp1251": [
        "Срок уведомления об увольнении составляет три месяца. Сотрудник должен сдать ключи и пропуск в "
        "последний рабочий день до полудня.",
    ],
    "ISO 8859-5 iso8859_5": ["Отель стоит 150 рублей за ночь"],
    "KOI8-R koi8_r": [
        "Отель стоит 150 рублей за ночь",
        "Срок уведомления об увольнении составляет три месяца. Сотрудник должен сдать ключи и пропуск в "
        "последний рабочий день до полудня.",
    ],
    "Windows-1253 cp1253": [
        "Η προθεσμία καταγγελίας είναι τρεις μήνες. Ο εργαζόμενος πρέπει να παραδώσει τα κλειδιά και την "
        "κάρτα την τελευταία εργάσιμη ημέρα.",
    ],
    "Shift-JIS cp932": [
        "予告期間は三か月です。従業員は最終出勤日の正午までに鍵と入館証を返却しなければなりません。"
        "海外出張は部長の承認が必要です。領収書は五年間保管します。",
        "倉庫の鍵は二階の窓口にあります。夜は閉めています。\n" * 3,
        "ﾃｽﾄ用のﾃﾞｰﾀを入力してください。",
    ],
    "EUC-JP euc_jp": [
        "予告期間は三か月です。従業員は最終出勤日の正午までに鍵と入館証を返却しなければなりません。"
        "海外出張は部長の承認が必要です。領収書は五年間保管します。",
    ],
    "ISO-2022-JP iso2022_jp": ["予告期間は三か月です。従業員は鍵を返却しなければなりません。"],
    "GB 18030 gb18030": [
        "解除劳动合同的通知期为三个月。员工必须在最后一个工作日中午之前归还钥匙和门卡。出国出差需要部门主管批准。"
        "收据保存五年。请通过网上系统提交报销申请。",
    ],
    "Big5 big5": [
        "解除勞動合約的通知期為三個月。員工必須在最後一個工作日中午之前歸還鑰匙和門卡。出國出差需要部門主管批准。"
        "收據保存五年。請透過網路系統提交報銷申請。",
    ],
    "EUC-KR cp949": [
        "해지 통지 기간은 석 달입니다. 직원은 마지막 근무일 정오 전까지 열쇠와 출입증을 반납해야 합니다. "
        "해외 출장은 부서장의 승인이 필요합니다.",
    ],
    "UTF-16 utf_16_le": ["The notice period is three months.", "Срок уведомления: три месяца, ключи сдать."],
    "UTF-16 utf_16_be": ["The notice period is three months.", "予告期間は三か月です。\n鍵を返却。\n"],
}
IN_ENCODINGS = [
    pytest.param(text, *names.rsplit(" ", 1), id=f"{names} {number}")
    for names, texts in PROSE.items()
    for number, text in enumerate(texts)
]


class TestEncodings:
    @pytest.mark.parametrize(("text", "name", "codec"), IN_ENCODINGS)
    def test_prose_is_read_in_its_encoding_and_the_guess_is_told(
        self, text: str, name: str, codec: str
    ) -> None:
        for length in (1, 40):
            notes: list[str] = []
            paragraphs = "\n".join([text] * length)
            assert decode(paragraphs.encode(codec), notes) == clean(paragraphs)
            assert notes == [f"read as {name} (guessed)"]

    @pytest.mark.parametrize(
        ("data", "text", "note"),
        [
            ("Le délai à Genève. ".encode() + b"\xc3", "Le délai à Genève. \ufffd", "1 byte is not UTF-8"),
            (b"caf\xc3\xa9 \xff au lait \xe9, 5 \xe2\x82\xac, \xc3\xbcber", None, "2 bytes are not UTF-8"),
            (b"the file ends within a quotation mark \xe2\x80", None, "2 bytes are not UTF-8"),
            ("Zürich ".encode() * 900 + b"\xf0\x9f\x98", None, "3 bytes are not UTF-8"),
            ("Zürich ".encode("utf-16")[:-1], "Zürich\ufffd", "1 character is not UTF-16"),
        ],
    )
    def test_a_damaged_byte_leaves_the_other_characters_alone(
        self, data: bytes, text: str | None, note: str
    ) -> None:
        notes: list[str] = []
        encoding = "utf-16" if data.startswith(b"\xff\xfe") else "utf-8"
        assert decode(data, notes) == (text or data.decode(encoding, "replace"))
        assert notes == [note]

    @given(st.text("aäßéłš€.\n ", min_size=30).filter(lambda text: len(text.encode()) > len(text) + 3))
    def test_a_utf_8_file_cut_anywhere_is_utf_8(self, text: str) -> None:
        data = text.encode()
        for end in range(len(data) // 2, len(data)):
            assert decode(data[:end]) == clean(data[:end].decode("utf-8", "replace"))

    def test_an_accent_after_many_pages_of_ascii_is_found(self) -> None:
        text = "The hotel is paid by the company.\n" * 20_000 + "Le café de l’hôtel est payé à l’arrivée.\n"
        assert decode(text.encode("cp1252")).endswith("Le café de l’hôtel est payé à l’arrivée.\n")

    @pytest.mark.parametrize(
        "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(range(256)) * 4, b"PK\3\4\xff\xfe"]
    )
    def test_binary_data_is_not_guessed_at(self, data: bytes) -> None:
        with pytest.raises(UnreadableFile, match="binary"):
            decode(data)


class TestSpelling:
    def test_ligatures_are_spelled_out_and_accents_joined(self) -> None:
        assert (
            clean("eﬃcient workﬂows, staﬀ, ﬁt, souﬄé, ﬅ, ﬆ")
            == "efficient workflows, staff, fit, soufflé, st, st"
        )
        assert clean("re\u0301sume\u0301 in Zu\u0308rich") == "résumé in Zürich"

    def test_signs_that_mean_something_else_when_spelled_out_stay(self) -> None:
        assert clean("10² m, 2½ h, Brand™, №5, Ⅳ, ｶﾅ, x₁") == "10² m, 2½ h, Brand™, №5, Ⅳ, ｶﾅ, x₁"

    @given(st.text(st.characters(codec="utf-8")))
    def test_cleaning_twice_changes_nothing_more(self, text: str) -> None:
        assert clean(clean(text)) == clean(text)

    def test_gold_phrases_meet_the_text_in_any_spelling(self) -> None:
        question = Question("q", "?", evidence=("The oﬃce\u0301 ﬂoor is reserved",))
        chunk = Chunk("id", "a.md", 0, "a", (), "The officé floor is reserved.", 0, 0, 1, 1, None, None, 1)
        assert relevant_chunks(question, [chunk]) == {"id"}
