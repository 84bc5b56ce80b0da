"""The Chinese console is Chinese, in what the service says as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Browser, Page, expect

from mien.image import encode_image
from tests.console.conftest import Console, Told, english, new_context, without_choices


@pytest.fixture
def chinese(browser: Browser, console: Console, administrator: object) -> Iterator[Page]:
    made = new_context(browser, console, Told(), storage_state=without_choices(administrator), locale="zh-CN")
    found = made.new_page()
    found.set_default_timeout(20_000)
    yield found
    made.close()


def test_problems_are_told_in_chinese_with_the_services_words_behind_a_fold(
    chinese: Page, console: Console, tmp_path: Path
) -> None:
    chinese.goto(f"{console.address}/people/{'a' * 26}")
    alert = chinese.get_by_role("alert")
    expect(alert).to_contain_text("不存在或已被删除")
    assert english(chinese) == []
    alert.get_by_text("服务原文").click()
    expect(alert).to_contain_text("There is no person")
    letter = tmp_path / "letter.jpg"
    letter.write_bytes(b"no photo at all")
    chinese.goto(f"{console.address}/try")
    chinese.locator("input[type=file]").set_input_files(letter)
    expect(alert).to_contain_text("这不是可读取的照片")
    assert english(chinese) == []
    chinese.goto(f"{console.address}/settings/accounts")
    chinese.get_by_role("textbox", name="用户名").fill("admin")
    chinese.get_by_role("button", name="创建账号").click()
    expect(alert).to_contain_text("已有名为“admin”的账号。")
    expect(alert).to_contain_text("请换一个名称。")
    assert english(chinese) == []


def test_why_photos_are_poor_or_refused_is_told_in_chinese(
    chinese: Page, console: Console, portrait: np.ndarray, photo: Path, tmp_path: Path, enrolled: Callable[[str], str]
) -> None:
    enrolled("李娜")
    blurred = tmp_path / "blurred.jpg"
    blurred.write_bytes(encode_image(np.asarray(Image.fromarray(portrait).filter(ImageFilter.GaussianBlur(9))), ".jpg"))
    chinese.goto(f"{console.address}/people")
    chinese.get_by_role("button", name="添加人员").first.click()
    form = chinese.get_by_role("dialog")
    form.locator("input[type=file]").set_input_files([photo, blurred])
    form.get_by_role("textbox", name="姓名").fill("王芳")
    form.get_by_role("checkbox", name="本人已同意").check()
    form.get_by_role("button", name="登记", exact=True).click()
    alert = form.get_by_role("alert")
    expect(alert).to_contain_text(re.compile("与李娜相似（得分 [\\d.]+，误配率"))
    expect(alert).to_contain_text(re.compile(r"人脸质量不足（得分 \d+，至少需要 50）：.*模糊：清晰度 \d+%"))
    assert english(chinese) == []
    chinese.goto(f"{console.address}/compare")
    for one in (photo, blurred):
        chinese.locator("input[type=file]").first.set_input_files(one)
    expect(chinese.locator(".verdict")).to_contain_text("第二张照片里的人脸质量不足")
    assert english(chinese) == []


def test_why_a_video_came_to_nothing_is_told_in_chinese(chinese: Page, console: Console, tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_bytes(b"no video at all")
    chinese.goto(f"{console.address}/videos")
    chinese.locator("input[type=file]").set_input_files(path)
    expect(chinese.locator(".job")).to_contain_text("这不是可读取的视频", timeout=60_000)
    assert english(chinese) == []
    chinese.get_by_text("服务原文").click()
    expect(chinese.locator(".job")).to_contain_text("'letter.mp4' is no video that can be read")
    chinese.get_by_role("button", name="删除").click()
    chinese.get_by_role("dialog").get_by_role("button", name="删除").click()
    expect(chinese.locator(".job")).to_have_count(0)
